"""Pages as trees of elements, for tests of what is in them."""

from dataclasses import dataclass, field
from html.parser import HTMLParser

VOID = {"img", "input", "meta", "link", "br"}


@dataclass
class Element:
    """An element of a page, with all text in it and below."""

    tag: str
    attributes: dict[str, str | None]
    children: list["Element"] = field(default_factory=list)
    text: str = ""

    def all(self, tag: str, of_class: str | None = None) -> list["Element"]:
        found = [child.all(tag, of_class) for child in self.children]
        own = self.tag == tag and of_class in (None, self.attributes.get("class"))
        return [self] * own + [element for elements in found for element in elements]

    def one(self, tag: str, of_class: str | None = None) -> "Element":
        (element,) = self.all(tag, of_class)
        return element


class Parser(HTMLParser):
    """The tree of a page; every element that is not empty by nature must be closed where it belongs."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.open = [Element("page", {})]
        self.feed(page)
        self.close()
        (self.page,) = self.open

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        element = Element(tag, dict(attrs))
        assert len(element.attributes) == len(attrs), f"an attribute of {tag} is there twice"
        self.open[-1].children.append(element)
        if tag not in VOID:
            self.open.append(element)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.open[-1].children.append(Element(tag, dict(attrs)))

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop().tag == tag

    def handle_data(self, data: str) -> None:
        for element in self.open:
            element.text += data
