"""A ledger: adds up what it is told. The frames are in packages/protocol/PROTOCOL.md."""

import json
import sys

state = {"cents": 0}


def say(**frame):
    print(json.dumps(frame), flush=True)


# The loop ends with the input: nobody needs this program any more.
for line in sys.stdin:
    frame = json.loads(line)
    if frame["type"] == "ping":
        say(type="pong", n=frame["n"])
    elif frame["type"] == "wake":
        state = frame["state"] or state
        say(type="hello", protocol=1)
    elif frame["type"] == "event":
        event = frame["event"]
        if event["type"] == "book":
            state = {"cents": state["cents"] + event["cents"]}
            say(type="state", state=state)
        elif event["type"] == "total":
            say(type="reply", value=state["cents"])
        say(type="done", seq=frame["seq"])
