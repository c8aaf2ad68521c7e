"""One HTML file of a run's evidence: python3 page RUN FILE. Run by `hil report`."""

import os
import re
import sys
from pathlib import Path

# Before numpy: its threads would cost more than they bring, on a machine that may be measuring.
os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")

USAGE = 2
ERROR = 4

try:
    import jinja2
    import markupsafe

    from contents import contents_of
    from folder import Damaged, load_run
except ImportError as error:
    print(f"hil: {error}; a report needs the Debian packages python3-jinja2, python3-matplotlib "
          "and python3-numpy", file=sys.stderr)
    sys.exit(ERROR)


def breakable(text):
    """Long names break where their parts end."""
    return markupsafe.Markup(re.sub(r"([._@\[/])", r"\1<wbr>", str(markupsafe.escape(text))))


def page_of(run):
    environment = jinja2.Environment(
        loader=jinja2.FileSystemLoader(Path(__file__).parent), autoescape=True,
        undefined=jinja2.StrictUndefined, trim_blocks=True, lstrip_blocks=True)
    environment.filters["breakable"] = breakable
    return environment.get_template("page.html.j2").render(contents_of(run))


def write(path, text):
    """Whole or not at all: a page cut short could be taken for the page."""
    part = path.with_name(path.name + ".part")
    try:
        part.write_text(text, "utf-8", errors="replace")
        part.replace(path)
    except OSError as error:
        part.unlink(missing_ok=True)
        raise Damaged(f"{path}: cannot be written: {error.strerror}; choose another with "
                      "--out") from None


def main(folder, out):
    try:
        run = load_run(folder)
        try:
            page = page_of(run)
        except (KeyError, TypeError, ValueError, AttributeError) as error:
            # Sums right, types right, and yet: a version of the format that this one is not for.
            raise Damaged(f"{run.folder / 'run.json'}: cannot be shown: "
                          f"{type(error).__name__}: {error}") from error
        write(Path(out), page)
    except Damaged as error:
        print(f"hil: {error}".encode("utf-8", "backslashreplace").decode(), file=sys.stderr)
        return USAGE
    return 0


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
