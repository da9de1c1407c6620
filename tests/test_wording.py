"""Words for a shell come back from a real one as they were."""

from __future__ import annotations

import shutil
import subprocess

import pytest

from eventops.wording import safe, shell_words

NAMES = [
    "billing",
    "two words; rm",
    "g-esc\x1b[31m",
    "it's\nnew",
    "\x07abc\x1bdef",
    "back\\slash\x01",
    "umlaut-ü",
    "\u202eover\u2028",
    "$HOME `id`\t",
]


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("shell", ["bash", "zsh"])
def test_a_shell_reads_the_same_word(shell: str, name: str) -> None:
    if shutil.which(shell) is None:
        pytest.skip(f"no {shell} on this machine")
    written = shell_words(["printf", "%s", name])
    assert safe(written) == written, "a terminal shows it as it is"
    assert subprocess.run([shell, "-c", written], capture_output=True, check=True).stdout.decode() == name
