"""Which limits and which trading state are in force now, for pages: what a run would be held to, so runs say it."""

from execution.runs.effective_policy import policy_for, system_policy, system_state

__all__ = ["policy_for", "system_policy", "system_state"]
