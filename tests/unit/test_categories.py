"""Category tables are read as they are meant, and refused by name where they are wrong."""

import csv
import runpy
import subprocess
import sys
from importlib.metadata import PackageNotFoundError, distribution
from pathlib import Path

import pandas as pd
import pytest

from anatomy.errors import InputError
from anatomy.stimuli.categories import read_categories

ROOT = Path(__file__).parents[2]
RESOURCES = ROOT / "resources"
SHARED = ROOT / ".." / "shared" / "data"


def table(folder: Path, text: str) -> Path:
    path = folder / "table.csv"
    path.write_text(text, encoding="utf-8")
    return path


def test_columns_order_and_defaults(tmp_path):
    path = table(
        tmp_path,
        "wnid,index,super_category,name,colour\n"
        'n2,7,animate,"dog, tame",red\n'
        "n1,,inanimate,,blue\n",
    )
    categories = read_categories(path)
    assert list(categories.columns) == ["category", "name", "super_category", "output"]
    assert categories["category"].tolist() == ["n2", "n1"]
    assert categories["name"].tolist() == ["dog, tame", "n1"]
    assert categories["super_category"].tolist() == ["animate", "inanimate"]
    assert categories["output"].dtype == pd.Int64Dtype()
    assert categories["output"].isna().tolist() == [False, True]
    assert categories["output"][0] == 7


def test_words_that_pandas_takes_for_missing_are_kept(tmp_path):
    path = table(tmp_path, "category,super_category\nNA,null\nnan,None\n")
    categories = read_categories(path)
    assert categories["category"].tolist() == ["NA", "nan"]
    assert categories["super_category"].tolist() == ["null", "None"]


def test_output_counts_before_index(tmp_path):
    path = table(tmp_path, "category,index,output,super_category\nn1,155,1,animate\n")
    assert read_categories(path)["output"].tolist() == [1]


def test_spreadsheet_exports_are_read(tmp_path):
    path = tmp_path / "table.csv"
    path.write_bytes(b"\xef\xbb\xbfcategory, super_category\r\ndog, animate \r\n\r\n")
    assert read_categories(path)[["category", "super_category"]].values.tolist() == [
        ["dog", "animate"]
    ]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "is empty"),
        ("category,super_category\n", "holds no category"),
        ("name,super_category\ndog,animate\n", "column 'category' or 'wnid' is missing"),
        ("category;super_category\ndog;animate\n", "column 'category' or 'wnid' is missing"),
        ("category,wnid,super_category\na,b,c\n", "'category' or 'wnid' must not be there twice"),
        ("category,name\ndog,dog\n", "column 'super_category' is missing"),
        ("category,category,super_category\na,b,c\n", "column 'category' is there twice"),
        ("category,super_category\ndog,a\ncat,a\ndog,b\n", "category 'dog' is there twice"),
        ("category,super_category\ndog,\n", "category 'dog' has no super_category"),
        ("category,super_category\n,animate\n", "category '' is not the name of a folder"),
        ("category,super_category\n../dog,animate\n", "'../dog' is not the name of a folder"),
        ("category,super_category\ndog,a\ncat\n", "line 3 has 1 values, the header 2"),
        ("category,super_category,output\ndog,a,1.5\n", "'dog': output '1.5' is not a whole"),
        ("category,super_category,index\ndog,a,-1\n", "'dog': index '-1' is not a whole number"),
        ("category,super_category,output\ndog,a,1\ncat,a,1\n", "output 1 is given to two"),
        ('category,super_category\n"dog,a\n', "end of data"),
    ],
)
def test_wrong_tables_are_refused_by_name(tmp_path, text, message):
    with pytest.raises(InputError, match=r"table\.csv: ") as error:
        read_categories(table(tmp_path, text))
    assert message in str(error.value)


def test_absent_and_binary_files_are_named(tmp_path):
    with pytest.raises(InputError, match=r"absent\.csv: cannot be read \(No such file"):
        read_categories(tmp_path / "absent.csv")
    (tmp_path / "binary.csv").write_bytes(b"category,super_category\n\xff\xfe,\x00\n")
    with pytest.raises(InputError, match=r"binary\.csv: "):
        read_categories(tmp_path / "binary.csv")


def test_the_configuration_check_needs_no_torch():
    code = (
        "import sys; import anatomy.stimuli.categories, anatomy.stimuli.folder;"
        "assert not {'torch', 'PIL', 'zarr'} & set(sys.modules)"
    )
    subprocess.run([sys.executable, "-c", code], check=True, cwd=ROOT / "workflow")


def test_imagenet_table_holds_known_categories():
    """Indices from Keras' and torchvision's class lists; the super-category by common knowledge."""
    categories = read_categories(RESOURCES / "imagenet_categories.csv")
    assert categories["output"].tolist() == list(range(1000))
    assert categories["category"].is_monotonic_increasing
    assert categories["name"].str.lower().is_unique
    known = categories.set_index("output")
    for index, name, kind in [
        (0, "tench", "animate"),
        (207, "golden retriever", "animate"),
        (397, "puffer", "animate"),
        (398, "abacus", "inanimate"),
        (574, "golf ball", "inanimate"),
        (981, "ballplayer", "animate"),
        (983, "scuba diver", "animate"),
        (985, "daisy", "inanimate"),
        (999, "toilet tissue", "inanimate"),
    ]:
        assert known.loc[index, ["name", "super_category"]].tolist() == [name, kind]


def test_imagenet_table_is_what_its_script_writes(tmp_path):
    try:
        distribution("timm")
    except PackageNotFoundError:
        pytest.skip("timm is not installed")
    script = runpy.run_path(str(RESOURCES / "make_imagenet_categories.py"))
    script["write"](tmp_path / "again.csv")
    committed = (RESOURCES / "imagenet_categories.csv").read_bytes()
    assert (tmp_path / "again.csv").read_bytes() == committed


def test_imagenet_table_agrees_with_an_independent_one():
    path = SHARED / "imagenet_categories.csv"
    if not path.is_file():
        pytest.skip(f"{path} is absent")
    with path.open(newline="") as file:
        expected = [(r["wnid"], int(r["index"]), r["super_category"]) for r in csv.DictReader(file)]
    categories = read_categories(RESOURCES / "imagenet_categories.csv")
    rows = categories[["category", "output", "super_category"]]
    assert list(rows.itertuples(index=False, name=None)) == expected


def test_a_table_of_a_twenty_category_network():
    path = SHARED / "imagenet20" / "categories.csv"
    if not path.is_file():
        pytest.skip(f"{path} is absent")
    categories = read_categories(path)
    assert categories["output"].tolist() == list(range(20))
    assert (categories["super_category"] == "animate").sum() == 12
