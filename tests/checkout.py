"""What a checkout holds, to be compared before and after."""


def contents(folder):
    """Return the bytes of all results by path, but for timings and what a run has not put into place."""
    return {
        p.relative_to(folder).as_posix(): p.read_bytes()
        for p in sorted((folder / "results").rglob("*"))
        if p.is_file() and not {".staging", "timings"} & set(p.parts)
    }
