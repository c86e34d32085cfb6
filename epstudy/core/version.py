"""The version of epstudy, stated once."""

VERSION = "0.1.0"
