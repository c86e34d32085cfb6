"""`python -m epstudy` is `epstudy`."""

from epstudy.cli.main import main

main()
