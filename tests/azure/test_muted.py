"""One thread is silent, the others are not."""

from __future__ import annotations

import sys
import threading

import pytest

from rollout.azure.muted import muted_thread


def test_only_the_muting_thread_is_silent(capsys: pytest.CaptureFixture[str]) -> None:
    """Our own progress, printed by another thread meanwhile, is seen; afterwards all is as before."""
    before = sys.stdout, sys.stderr
    with muted_thread():
        print("noise")
        print("noise", file=sys.stderr)
        other = threading.Thread(target=lambda: print("progress"))
        other.start()
        other.join()
    print("result")
    assert capsys.readouterr() == ("progress\nresult\n", "")
    assert (sys.stdout, sys.stderr) == before
