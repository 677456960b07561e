/** Debian's own Python: the one on the path may be another, without its libraries. */
export const DEBIAN_PYTHON = "/usr/bin/python3";
