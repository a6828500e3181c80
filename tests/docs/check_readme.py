"""The README's settings pass `config check`, and every command that it shows is one.

usage: check_readme.py TOCSIN"""

import pathlib
import re
import subprocess
import sys
import tempfile

TOCSIN = str(pathlib.Path(sys.argv[1]).resolve())
README = (pathlib.Path(__file__).resolve().parents[2] / "README.md").read_text()

settings = re.search(r"```toml\n(.*?)```", README, re.S).group(1)
commands = re.findall(r"^tocsin ([a-z][a-z -]*[a-z])", README, re.M)
assert settings and len(commands) >= 4, "the README shows settings and commands"

with tempfile.TemporaryDirectory() as folder:
    config = pathlib.Path(folder) / "tocsin.toml"
    config.write_text(settings)
    password = pathlib.Path(folder) / "smtp.password"
    password.write_text("not a real one\n")
    password.chmod(0o600)
    done = subprocess.run([TOCSIN, "config", "check", "--config", str(config)], capture_output=True, text=True)
    if done.returncode != 0:
        sys.exit(f"the README's settings are refused:\n{done.stdout}{done.stderr}")
for command in commands:
    words = command.split(" --")[0].split()
    done = subprocess.run([TOCSIN, *words, "--help"], capture_output=True, text=True)
    if done.returncode != 0:
        sys.exit(f"the README shows `tocsin {command}`, which is no command: {done.stderr}")
print(f"settings and {len(commands)} commands of the README are as the program has them")
