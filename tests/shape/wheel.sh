#!/bin/sh
# Build the wheel, install it in an empty environment from the locked versions, and run it there.
set -eu
python=$1
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
"$python" -m build --wheel --no-isolation --outdir "$work/dist" . >/dev/null
"$python" - "$work"/dist/*.whl <<'PY'
import sys
import zipfile

names = zipfile.ZipFile(sys.argv[1]).namelist()
tops = {name.split("/")[0] for name in names if ".dist-info" not in name}
assert tops == {"testkit", "responders", "experiments", "cli.py"}, tops
for needed in (
    "testkit/py.typed",
    "responders/py.typed",
    "experiments/py.typed",
    "testkit/reports/templates/report.html.jinja",
    "testkit/signoff/templates/rapid-response.yaml",
    "responders/starter/labor.yaml",
    "responders/replays/first-light/harbor-courier.xml",
    "responders/drafting/templates/email/response.en.jinja",
    "experiments/examples/karlan-list-2007/experiment.yaml",
):
    assert needed in names, f"{needed} is not in the wheel"
print(f"wheel: {len(names)} files")
PY
"$python" -m venv "$work/venv"
"$work/venv/bin/python" -m pip --disable-pip-version-check install --quiet --require-hashes -r requirements/core.lock
"$work/venv/bin/python" -m pip --disable-pip-version-check install --quiet --no-deps "$work"/dist/*.whl
cd "$work"
venv/bin/whistlestop --version
venv/bin/whistlestop quick 1751 141 1750 125 >/dev/null
venv/bin/whistlestop demo demo >/dev/null
test -s demo/reports/karlan-list-2007.html
echo "wheel: installed in an empty environment and played the demo"
