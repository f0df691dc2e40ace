"""Write the studies' own districts: ``python -m bcopt.studies.folders``."""

from __future__ import annotations

import sys

from bcopt.compendium.paths import project_root
from bcopt.studies.folders import write


def main() -> int:
    """Write the folders of the checkout of the working directory and say which files."""
    try:
        root = project_root()
        sys.stdout.writelines(f"{path.relative_to(root).as_posix()}\n" for path in write(root))
    except (ValueError, OSError) as error:
        sys.stderr.write(f"{error}\n")
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
