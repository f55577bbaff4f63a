"""Speaks QMP: reads commands from standard input, a JSON object on each line, and prints what the machine sends, a JSON object on each line."""

import json
import socket
import sys


def main():
    s = socket.socket(socket.AF_UNIX)
    s.settimeout(60)
    s.connect(sys.argv[1])
    f, to = s.makefile("r", encoding="utf-8"), s.makefile("w", encoding="utf-8")
    print(json.dumps(json.loads(f.readline())))
    for n, line in enumerate(sys.stdin):
        command = json.loads(line)
        command["id"] = n
        to.write(json.dumps(command) + "\n")
        to.flush()
        while True:
            answer = f.readline()
            if not answer:
                return
            answer = json.loads(answer)
            print(json.dumps(answer), flush=True)
            if answer.get("id") == n:
                break
    while answer := f.readline():
        print(json.dumps(json.loads(answer)), flush=True)


main()
