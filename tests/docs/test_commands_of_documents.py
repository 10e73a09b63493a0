"""Each block of commands in README.md and docs/ is run by a test, or says why not."""

from support.documents import NOT_RUN, RUN, blocks


def test_each_block_of_commands_is_run_or_has_a_reason_not_to_be() -> None:
    listed = [*RUN, *NOT_RUN]
    for name, block in blocks():
        kinds = [entry for entry in listed if entry[0] == name and block.startswith(entry[1])]
        assert len(kinds) == 1, f"{name}: add this block to RUN, or to NOT_RUN with a reason:\n{block}"
    for name, beginning in listed:
        assert any(name == of and block.startswith(beginning) for of, block in blocks()), f"no {name}: {beginning}"
