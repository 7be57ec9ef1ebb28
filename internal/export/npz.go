package export

import (
	"archive/zip"
	"fmt"
	"io"
	"time"

	"github.com/sbinet/npyio"
	"gonum.org/v1/gonum/mat"
)

// An Array is a named array of one or two dimensions, row-major.
type Array struct {
	Name  string
	Shape []int
	Data  []float64
}

// NPZ writes arrays as numpy.savez does. The same arrays give the same bytes.
func NPZ(w io.Writer, arrays []Array) error {
	z := zip.NewWriter(w)
	for _, a := range arrays {
		size := 1
		for _, s := range a.Shape {
			size *= s
		}
		if size != len(a.Data) || len(a.Shape) < 1 || len(a.Shape) > 2 {
			return fmt.Errorf("export: array %s of shape %v has %d numbers", a.Name, a.Shape, len(a.Data))
		}
		f, err := z.CreateHeader(&zip.FileHeader{Name: a.Name + ".npy", Method: zip.Store, Modified: time.Date(1980, 1, 1, 0, 0, 0, 0, time.UTC)})
		if err != nil {
			return fmt.Errorf("export: %w", err)
		}
		if len(a.Shape) == 1 {
			err = npyio.Write(f, a.Data)
		} else {
			err = npyio.Write(f, mat.NewDense(a.Shape[0], a.Shape[1], a.Data))
		}
		if err != nil {
			return fmt.Errorf("export: array %s: %w", a.Name, err)
		}
	}
	return z.Close()
}
