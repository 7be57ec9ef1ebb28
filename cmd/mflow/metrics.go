package main

import (
	"bufio"
	"encoding/json"
	"fmt"
	"io"
	"os"

	"mflow/train"
)

// A row is one line of metrics.jsonl. It is a function of the step alone, not of
// the clock, so an interrupted run that is resumed leaves the same file.
type row struct {
	Step     int   `json:"step"`
	Loss     real  `json:"loss"`
	Fit      real  `json:"fit"`
	Penalty  real  `json:"penalty"`
	GradNorm real  `json:"grad_norm"`
	Rate     real  `json:"rate"`
	TrainNLL *real `json:"train_nll,omitempty"`
	ValNLL   *real `json:"val_nll,omitempty"`
	ValSE    *real `json:"val_se,omitempty"`
	Z        *real `json:"z,omitempty"`
	ZSE      *real `json:"z_se,omitempty"`
	Best     bool  `json:"best,omitempty"`
}

// thin keeps every tenth step and every check: enough for a smooth curve.
const thin = 10

// metrics appends rows to a file.
type metrics struct {
	file *os.File
	buf  *bufio.Writer
}

// openMetrics opens a file of rows at a step: later rows, which an interrupted
// run may have left, and half a last line are cut off.
func openMetrics(path string, step int) (*metrics, error) {
	f, err := os.OpenFile(path, os.O_RDWR|os.O_CREATE, 0o666)
	if err != nil {
		return nil, err
	}
	var keep int64
	for r := bufio.NewReader(f); ; {
		line, err := r.ReadBytes('\n')
		var row struct {
			Step int `json:"step"`
		}
		if err != nil || json.Unmarshal(line, &row) != nil || row.Step > step || step == 0 {
			break
		}
		keep += int64(len(line))
	}
	if err := f.Truncate(keep); err != nil {
		f.Close()
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	if _, err := f.Seek(keep, io.SeekStart); err != nil {
		f.Close()
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	return &metrics{f, bufio.NewWriter(f)}, nil
}

// add appends the row of a step, if it is kept.
func (m *metrics) add(s train.Step, validated bool) error {
	if s.Score == nil && s.N%thin != 0 {
		return nil
	}
	r := row{
		Step: s.N, Loss: real(s.Loss), Fit: real(s.Fit), Penalty: real(s.Penalty),
		GradNorm: real(s.GradNorm), Rate: real(s.Rate), Best: s.Best,
	}
	if c := s.Score; c != nil {
		r.TrainNLL, r.Z, r.ZSE = ptr(c.TrainNLL), ptr(c.Z), ptr(c.ZSE)
		if validated {
			r.ValNLL, r.ValSE = ptr(c.ValNLL), ptr(c.ValSE)
		}
	}
	raw, err := json.Marshal(r)
	if err != nil {
		return err
	}
	_, err = m.buf.Write(append(raw, '\n'))
	return err
}

func ptr(v float64) *real { r := real(v); return &r }

// sync writes what has been added to the disk. It is called before a checkpoint
// is saved, so a checkpoint never knows more than the file.
func (m *metrics) sync() error {
	if err := m.buf.Flush(); err != nil {
		return err
	}
	return m.file.Sync()
}

func (m *metrics) close() error {
	err := m.sync()
	if e := m.file.Close(); err == nil {
		err = e
	}
	return err
}
