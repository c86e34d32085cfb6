"""`python -m epstudy` is `epstudy`."""

from epstudy.cli import main

main()
