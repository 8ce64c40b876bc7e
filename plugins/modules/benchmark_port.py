# Copyright: The Grindstone authors
# GNU General Public License v3.0+ (see https://www.gnu.org/licenses/gpl-3.0.txt)
"""A port that machines will train together by: is it free, and do the others reach it?"""

from __future__ import annotations

DOCUMENTATION = """
module: benchmark_port
short_description: Tries the port that machines train together by
description:
  - V(listening) takes the port for a while, V(reachable) calls the others, V(closed) lets it go.
author: The Grindstone authors (@grindstone)
options:
  state:
    description: What to do.
    type: str
    choices: [listening, reachable, closed]
    required: true
  address:
    description: The address of this host, IPv4 or IPv6.
    type: str
    default: ""
  port:
    description: The port.
    type: int
    default: 29500
  others:
    description: The machines to call, each as V(NAME=HOST:PORT).
    type: list
    elements: str
    default: []
  word:
    description: What closes the port; only who has opened it knows.
    type: str
    default: ""
  seconds:
    description: How long it is taken at most.
    type: int
    default: 300
"""

EXAMPLES = """
- name: Take the port
  grindstone.grindstone.benchmark_port:
    state: listening
    address: 10.0.0.1
    word: a-word

- name: Call the others
  grindstone.grindstone.benchmark_port:
    state: reachable
    others: ["gpu2=10.0.0.2:29500", "gpu3=[fd00::3]:29500"]
"""

RETURN = """
reached:
  description: The machines that were called.
  returned: O(state=reachable)
  type: list
  elements: str
"""

import errno
import os
import signal
import socket

from ansible.module_utils.basic import AnsibleModule

ANSWER_S = 5.0


class PortError(Exception):
    """It cannot be used; the text says why, and what to do."""


def family(address: str) -> socket.AddressFamily:
    """Of an address: IPv6 has colons."""
    return socket.AF_INET6 if ":" in address else socket.AF_INET


def bound(address: str, port: int) -> socket.socket:
    """The port, listening on every address, as TensorFlow does.

    Raises:
        PortError: another has it, or the address is none of this host's.
    """
    kind = family(address)
    try:
        with socket.socket(kind) as tried:
            tried.bind((address, 0))
    except OSError as error:
        raise PortError(
            f"{address} is no address of this host ({error.strerror}): set "
            "benchmark_distributed_address to the one that the others reach it by"
        ) from error
    server = socket.socket(kind)
    try:
        server.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        server.bind(("::" if kind == socket.AF_INET6 else "0.0.0.0", port))
        server.listen(64)
    except OSError as error:
        server.close()
        used = error.errno == errno.EADDRINUSE
        why = "another program has it (ss -tlnp shows it)" if used else str(error.strerror)
        raise PortError(
            f"port {port} cannot be taken: {why}; set benchmark_distributed_port to a free one"
        ) from error
    return server


def hold(server: socket.socket, word: str, seconds: int) -> None:
    """Answers, in a process of its own, until the word comes or the time is over."""
    if os.fork():
        server.close()
        return
    os.setsid()
    nothing = os.open(os.devnull, os.O_RDWR)
    for stream in range(3):
        os.dup2(nothing, stream)
    signal.alarm(seconds)  # its default ends the process
    while True:
        try:
            caller, _address = server.accept()
            with caller:
                caller.settimeout(ANSWER_S)
                if caller.recv(200).decode(errors="replace") == word:
                    server.close()  # before the caller hears that it is done
                    os._exit(0)
        except OSError:
            continue


def call(machine: str) -> str:
    """Why a machine cannot be reached; "" where it can."""
    name, _equals, address = machine.partition("=")
    host, _colon, port = address.rpartition(":")
    try:
        socket.create_connection((host.strip("[]"), int(port)), ANSWER_S).close()
    except OSError as error:
        return f"{name} at {address} ({error.strerror or error})"
    return ""


def let_go(address: str, port: int, word: str) -> None:
    """Has whoever holds the port let it go, and waits until it has."""
    try:
        with socket.create_connection((address, port), ANSWER_S) as caller:
            caller.sendall(word.encode())
            caller.shutdown(socket.SHUT_WR)
            caller.recv(1)
    except OSError:
        pass  # nobody holds it any more


def main() -> None:
    """Ansible's entry point."""
    module = AnsibleModule(
        argument_spec={
            "state": {"choices": ["listening", "reachable", "closed"], "required": True},
            "address": {"type": "str", "default": ""},
            "port": {"type": "int", "default": 29500},
            "others": {"type": "list", "elements": "str", "default": []},
            "word": {"type": "str", "default": ""},
            "seconds": {"type": "int", "default": 300},
        },
        required_if=[
            ("state", "listening", ["address", "word"]),
            ("state", "closed", ["address", "word"]),
        ],
    )
    state, address, port = (module.params[name] for name in ("state", "address", "port"))
    try:
        if state == "listening":
            hold(bound(address, port), module.params["word"], module.params["seconds"])
        elif state == "closed":
            let_go(address, port, module.params["word"])
    except PortError as error:
        module.fail_json(msg=str(error))
    unreached = list(filter(None, map(call, module.params["others"])))
    if state == "reachable" and unreached:
        module.fail_json(
            msg=f"cannot reach {', '.join(unreached)}: open that TCP port between the machines, or "
            "set benchmark_distributed_address to an address that the others reach"
        )
    module.exit_json(changed=False, reached=module.params["others"])


if __name__ == "__main__":
    main()
