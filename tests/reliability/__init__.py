"""The evidence that a rollout may be left alone at night: killed, and let down by the service, at every request."""

import pytest

pytest.register_assert_rewrite("tests.reliability.lives", "tests.e2e.watched")
