"""`python -m tests.trust.asking_worker PORT …`: the real program, with a name server on a port of this machine."""

import sys

from postvak.__main__ import main
from postvak.net import answers
from tests.servers.nameserver import asking

port = int(sys.argv.pop(1))
answers.system_resolver = lambda: asking("127.0.0.1", port)
main()
