"""What the notebooks of the four earth sets share: mflow run as a command, its pictures, tables of regions."""

import json
import os
import shutil
import subprocess
import tempfile

import PIL.Image
from IPython.display import Markdown, display

# The mflow of this checkout if it has been built (make build), else the one installed.
MFLOW = shutil.which("mflow", path=os.path.abspath("../bin") + os.pathsep + os.environ["PATH"])
WORK = tempfile.mkdtemp()

# Evaluations in a notebook are short: errors of Z and of masses stay far below those of the test points.
SHORT = ["--z-points", "100000", "--quad-points", "100000", "--mass-points", "50000", "--ode-points", "20", "--samples", "500"]


def run(*args):
    """Runs mflow and returns what it prints on standard output."""
    p = subprocess.run([MFLOW, *args, "--quiet"], capture_output=True, text=True, cwd=WORK)
    if p.returncode:
        raise RuntimeError(p.stderr.strip())
    return p.stdout


def result(*args):
    """The same, as an object."""
    return json.loads(run(*args, "--json"))


def choose(name, split):
    """Returns a named set if it can be had, else the synthetic set, and says what is in it."""
    try:
        about = result("data", "info", name, "--split", split)
    except RuntimeError as e:
        print("falling back to the synthetic set:", e)
        name = "plates"
        about = result("data", "info", name, "--split", split)
    print(f"{about['name']}: {about['rows']} points at {about['distinct']} distinct positions")
    print(f"{split} split: {about['train']} training, {about['val']} validation, {about['test']} test points, "
          f"{about['duplicates_in_train']} of them copies of training points")
    return name


def picture(name, width=760):
    """Shows a picture, small enough to keep in the notebook."""
    image = PIL.Image.open(os.path.join(WORK, name)).convert("RGB")
    image = image.resize((width, width * image.height // image.width), PIL.Image.LANCZOS)
    display(image.quantize(200))


def map_of(model, *args):
    """Shows the density with the data on top."""
    run("plot", model, "--data", *args, "-o", "map.png")
    picture("map.png")


def regions(model, caps, boxes):
    """Shows the mass of caps (name: LAT,LON,RADIUS) and boxes (name: S,W,N,E), each with its error."""
    rows = ["| region | probability | uniform globe | share of the data |", "|---|---|---|---|"]
    for flag, places in [("--cap", caps), ("--box", boxes)]:
        for name, where in places.items():
            p = result("prob", model, flag, where, "--points", "50000")
            rows.append(f"| {name} | {p['p']:.4f} ± {p['p_se']:.4f} | {p['uniform']:.4f} | {p['catalogue']:.4f} |")
    display(Markdown("\n".join(rows)))


def evaluation(model, *args):
    """Scores a model, shows the page of its report, and returns the numbers."""
    e = result("eval", model, *SHORT, *args, "--report", "report.pdf")
    if shutil.which("pdftoppm"):
        subprocess.run(["pdftoppm", "-r", "110", "-png", "-singlefile", "report.pdf", "report"], cwd=WORK, check=True)
        picture("report.png", 900)
    else:
        print("pdftoppm is not installed, so the page is not shown:", os.path.join(WORK, "report.pdf"))
    return e


def verdict(e):
    """Says in words what an evaluation found."""
    print(f"Z {e['z']:.4f} by Monte Carlo, {e['z_quadrature']['z']:.4f} by quadrature")
    print(f"{e['calibration']['inside']} of {e['calibration']['cells']} cells have the predicted mass in their 95 % interval")
    for name, b in sorted(e["baselines"].items(), key=lambda item: item[1]["nll"]):
        if b["delta_novel"] is None:
            continue
        if not b["delta_novel_se"]:
            print(f"the model is {name} on every point")
            continue
        t = b["delta_novel"] / b["delta_novel_se"]
        word = "no better and no worse than" if abs(t) < 2 else "better than" if t > 0 else "worse than"
        print(f"on novel points the model is {word} {name}: {b['delta_novel']:+.3f} ± {b['delta_novel_se']:.3f} nats")
