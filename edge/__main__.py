"""`python -m edge FILE [JSON]`: the agent's process, without the command line around it.

`weinao edge run` becomes this process: what it needed for its own help and messages would stay in
memory for as long as the agent runs.
"""

import sys

if __name__ == "__main__":
    # structlog loads rich, if it is there, for colours in a terminal. The agent logs plain lines,
    # and 4 MB are a fifteenth of what it may hold.
    sys.modules["rich"] = None  # type: ignore[assignment]

    from edge.program import main

    main(*sys.argv[1:])
