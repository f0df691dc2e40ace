"""Links between the pages of the site: what leads to a file of the project leads to its page, or to a copy of it."""

from __future__ import annotations

import html
import posixpath
import re
import shutil
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath
from urllib.parse import quote, unquote

DOWNLOADS = "static/files"
"""Where, below the staging folder, files lie that raw HTML links to; sphinx copies those that markdown links to."""

_LINK = re.compile(
    r"(?P<code>^[ \t]*(?P<fence>```+|~~~+).*?^[ \t]*(?P=fence)|`[^`\n]+`)"
    r"|!\[(?P<alt>[^\]]*)\]\(\s*https?:[^)]*\)|<img\b[^>]*\bsrc=\"https?:[^>]*>"  # images of other hosts
    r"|(?P<lead>\]\(\s*<?|^\[[^\]\n]+\]:\s*<?|<img\b[^>]*\bsrc=\")(?P<target>[^\s)>\"#]+)",
    re.DOTALL | re.MULTILINE,
)
_ANCHOR = re.compile(r"(?P<lead><a\b[^>]*?\bhref=(?P<quote>[\"']))(?P<target>[^\"'#]+)(?P<heading>#[^\"']*)?")
_ELSEWHERE = re.compile(r"[a-zA-Z][\w+.-]*:|/")


@dataclass(frozen=True)
class Book:
    """Sources of a site.

    Parameters
    ----------
    root : Path
        The project.
    pages : mapping of str to str
        The page (path below ``stage``) of each project file that has one, in the order of reading.
    stage : Path
        Folder of the sources as sphinx reads them; files for download are copied there.
    site : PurePosixPath
        Where the site will lie, from ``root``: links there lead to the start page.
    claims : mapping of str to str
        The address, from the start of the site, of each claim that a text may name in code: there it becomes a link.
    """

    root: Path
    pages: Mapping[str, str]
    stage: Path
    site: PurePosixPath
    claims: Mapping[str, str] = field(default_factory=dict)

    def markdown(self, text: str, file: str) -> str:
        """Return a file's markdown with links that work within the site, images of other hosts reduced to words."""

        def written(found: re.Match[str]) -> str:
            if found["lead"]:
                return found["lead"] + self.follow(found["target"], file)
            return self._claim(found, file) if found["code"] else found["alt"] or ""

        return _LINK.sub(written, text)

    def html(self, text: str, file: str) -> str:
        """Return a file's HTML with links from page to page, as a browser follows them."""

        def written(found: re.Match[str]) -> str:
            address, heading = self._address(html.unescape(found["target"]), file), found["heading"] or ""
            to_page = posixpath.splitext(address)[1] == ".html" and not _ELSEWHERE.match(found["target"])
            return found["lead"] + address + (heading.lower() if to_page else heading)

        return _ANCHOR.sub(written, text)

    def follow(self, target: str, file: str) -> str:
        """Return a file's link as the source of its page must spell it; what leads elsewhere or nowhere stays."""
        found = self._staged(target, file)
        return target if found is None else quote(posixpath.relpath(found, posixpath.dirname(self.pages[file]) or "."))

    def find(self, file: str) -> str | None:
        """Return the staged path of a project file: its page, or a copy for download.

        A folder leads to its first page, or else to the nearest README above it.
        """
        path = PurePosixPath(file)
        if self.site in (path, *path.parents):
            return self.pages["README.md"]
        if file in self.pages or file in self.pages.values():
            return self.pages.get(file, file)
        inside = [to for page, to in self.pages.items() if f"\n{file}/" in f"\n{page}\n{to}"]
        if inside or ".." in path.parts or not (self.root / file).exists():
            return inside[0] if inside else None
        if (self.root / file).is_dir():
            above = (self.pages.get((up / "README.md").as_posix()) for up in (path, *path.parents))
            return next(page for page in above if page)
        self._copy(file, file)
        return file

    def _staged(self, target: str, file: str) -> str | None:
        """Return the staged path that a file's link leads to, from its page's folder or from its own."""
        if _ELSEWHERE.match(target):
            return None
        places = (posixpath.join(posixpath.dirname(at), unquote(target)) for at in (self.pages[file], file))
        found = (self.find(posixpath.normpath(place)) for place in places)
        return next((path for path in found if path is not None), None)

    def _address(self, target: str, file: str) -> str:
        found = self._staged(target, file)
        if found is None:
            return html.escape(target)
        page = posixpath.splitext(found)[0] + ".html"
        if found not in self.pages.values():
            self._copy(found, f"{DOWNLOADS}/{found}")
            page = f"_{DOWNLOADS}/{found}"
        return quote(posixpath.relpath(page, posixpath.dirname(self.pages[file]) or "."))

    def _claim(self, code: re.Match[str], file: str) -> str:
        """Return code as it stands, or the link of the claim that it is; headings are left alone."""
        name = code[0].strip("`")
        heading = code.string.startswith("#", code.string.rfind("\n", 0, code.start()) + 1)
        if name not in self.claims or heading:
            return code[0]
        address = posixpath.relpath(self.claims[name], posixpath.dirname(self.pages[file]) or ".")
        return f'<a class="claim" href="{html.escape(address)}"><code>{html.escape(name)}</code></a>'

    def _copy(self, file: str, to: str) -> None:
        (self.stage / to).parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(self.root / file, self.stage / to)
