"""A weight file of any kind is read right or refused in one line that names it, and none runs code."""

import collections
import io
import json
import pickle
import struct
import tarfile
import zipfile
from pathlib import Path

import pytest
import safetensors.torch
import torch
from hypothesis import given
from hypothesis import strategies as st
from properties import changed_bytes, examples, read_or_refused
from torch import nn

from anatomy.errors import InputError
from anatomy.networks.weights import load_weights, read_weights

pytestmark = pytest.mark.filterwarnings(
    *("ignore:Detected pickle protocol", "ignore:Casting complex", "ignore:.*torch.jit")
)


def model():
    return nn.Sequential(nn.Conv2d(3, 2, 3), nn.Linear(4, 3))


def state(seed=0):
    random = torch.Generator().manual_seed(seed)
    return {
        name: torch.randn(own.shape, generator=random) for name, own in model().state_dict().items()
    }


def in_torchs_format(value, legacy=False):
    buffer = io.BytesIO()
    torch.save(value, buffer, _use_new_zipfile_serialization=not legacy)
    return buffer.getvalue()


WRITTEN = {
    "zip": (".pth", in_torchs_format),
    "legacy": (".pth", lambda value: in_torchs_format(value, legacy=True)),
    "safetensors": (".safetensors", safetensors.torch.save),
}


def read(path, data):
    """What is read; None where the file is refused."""
    path.write_bytes(data)
    found = read_or_refused(lambda: read_weights(path), path)
    for name, tensor in (found or {}).items():
        assert isinstance(name, str)
        assert isinstance(tensor, torch.Tensor)
    return found


def same(one, other):
    return one.keys() == other.keys() and all(
        torch.equal(own, other[name]) for name, own in one.items()
    )


@pytest.mark.parametrize("kind", WRITTEN)
def test_what_is_written_is_read(tmp_path, kind):
    suffix, write = WRITTEN[kind]
    assert same(read(tmp_path / f"w{suffix}", write(state())), state())


@pytest.mark.parametrize("suffix", [".pth", ".safetensors"])
@examples(60)
@given(data=st.binary(max_size=200))
def test_random_bytes_are_refused(tmp_path, suffix, data):
    assert read(tmp_path / f"w{suffix}", data) in (None, {})


@pytest.mark.parametrize("kind", WRITTEN)
@examples(60)
@given(cut=st.floats(0, 1, exclude_max=True))
def test_a_truncated_file_is_refused(tmp_path, kind, cut):
    suffix, write = WRITTEN[kind]
    data = write(state())
    found = read(tmp_path / f"w{suffix}", data[: int(cut * len(data))])
    # the last bytes of a file may say nothing about its tensors
    assert found is None or same(found, state())


@pytest.mark.parametrize("kind", WRITTEN)
@examples(60)
@given(data=st.data())
def test_changed_bytes_are_refused_or_read_as_some_tensors(tmp_path, kind, data):
    suffix, write = WRITTEN[kind]
    found = read(tmp_path / f"w{suffix}", changed_bytes(write(state()), data))
    if found is not None:
        fits_or_refused(found)


def fits_or_refused(found):
    """Weights go into the network as they are, or not at all, and the network then is as it was."""
    network = model()
    before = {name: own.clone() for name, own in network.state_dict().items()}
    source = "weights file w.pth"
    if read_or_refused(lambda: load_weights(network, found, source) or True, source) is None:
        assert same(network.state_dict(), before)
        return False
    loaded = network.state_dict()
    assert loaded.keys() == found.keys()
    assert all(torch.equal(loaded[name], own.float()) for name, own in found.items())
    assert all(own.isfinite().all() for own in loaded.values())
    return True


SHAPES = st.lists(st.integers(0, 4), max_size=4).map(tuple)
KINDS = [torch.float16, torch.bfloat16, torch.float32, torch.float64, torch.int8, torch.int64]
KINDS += [torch.bool, torch.complex64, torch.uint8, torch.float8_e5m2]
NAMES = st.sampled_from([*model().state_dict(), "module.0.weight", "x"]) | st.text(max_size=4)


@examples(60)
@given(data=st.data())
def test_weights_that_do_not_fit_leave_the_network_alone(data):
    given_state = state()
    for name in data.draw(st.lists(NAMES, max_size=3)):
        change = data.draw(st.sampled_from(["drop", "shape", "kind", "value", "keep"]))
        whole = given_state.get(name, torch.zeros(2))
        if change == "drop":
            given_state.pop(name, None)
        elif change == "shape":
            given_state[name] = torch.ones(data.draw(SHAPES))
        elif change == "kind":
            given_state[name] = whole.to(data.draw(st.sampled_from(KINDS)))
        elif change == "value" and whole.numel() and whole.is_floating_point():
            bad = data.draw(st.sampled_from([float("nan"), float("inf"), -float("inf")]))
            given_state[name] = whole.float().index_fill(0, torch.tensor([0]), bad)
    fits_or_refused(given_state)


def test_weights_of_fewer_bits_are_taken_over():
    for kind in (torch.float16, torch.bfloat16, torch.float64):
        assert fits_or_refused({name: own.to(kind) for name, own in state().items()})


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda own: own.to(torch.int8), "0.weight holds int8, not floating-point"),
        (lambda own: own.to_sparse(), "0.weight holds sparse_coo, not"),
        (lambda own: own.to("meta"), "0.weight holds no values, not"),
    ],
)
def test_tensors_without_plain_numbers_are_named(change, message):
    with pytest.raises(InputError, match=message):
        load_weights(model(), state() | {"0.weight": change(state()["0.weight"])}, "w.pth")


NOT_A_STATE = {
    "a list": [torch.zeros(2)],
    "a tensor": torch.zeros(2),
    "nothing": None,
    "numbers for names": {1: torch.zeros(2)},
    "nested": {"model": {"0.weight": torch.zeros(2)}},
    "more than tensors": state() | {"epoch": 3},
    "a state that is no mapping": {"state_dict": [torch.zeros(2)]},
    "the same weights twice": state() | {"module.0.weight": torch.zeros(2)},
}


@pytest.mark.parametrize("legacy", [False, True])
@pytest.mark.parametrize("what", NOT_A_STATE)
def test_what_is_no_state_is_refused(tmp_path, what, legacy):
    data = in_torchs_format(NOT_A_STATE[what], legacy)
    assert read(tmp_path / "w.pth", data) is None


def test_a_state_in_a_checkpoint_and_of_a_wrapped_network_is_found(tmp_path):
    wrapped = {f"module.{name}": own for name, own in state().items()}
    data = in_torchs_format({"epoch": 3, "state_dict": collections.OrderedDict(wrapped)})
    assert same(read(tmp_path / "w.pth", data), state())


# --- code in a file


class Bomb:
    """Whose unpickling creates a file."""

    def __init__(self, path):
        self.path = path

    def __reduce__(self):
        return Path.touch, (self.path,)


class Builder:
    """The same in another way: by what an object's state is set with."""

    def __init__(self, path):
        self.path = path

    def __reduce__(self):
        return collections.defaultdict, (int,), None, None, iter([("x", Bomb(self.path))])


class Text(Bomb):
    """The same by a built-in function."""

    def __reduce__(self):
        return eval, (f"__import__('pathlib').Path({str(self.path)!r}).touch()",)


def in_a_zip_by_hand(value):
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as zipped:
        zipped.writestr("w/data.pkl", pickle.dumps(value, 2))
        zipped.writestr("w/version", "3\n")
    return buffer.getvalue()


def in_the_oldest_format(value):
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w") as tar:
        for name in ("sys_info", "pickle", "storages", "tensors"):
            content = pickle.dumps(value, 2)
            member = tarfile.TarInfo(name)
            member.size = len(content)
            tar.addfile(member, io.BytesIO(content))
    return buffer.getvalue()


FORMATS = {
    "zip": in_torchs_format,
    "legacy": lambda value: in_torchs_format(value, legacy=True),
    "zip by hand": in_a_zip_by_hand,
    "tar": in_the_oldest_format,
    **{f"pickle {p}": lambda value, p=p: pickle.dumps(value, p) for p in (0, 2, 4, 5)},
}
PLACES = {
    "the whole": lambda bomb: bomb,
    "a weight": lambda bomb: state() | {"0.weight": bomb},
    "a name": lambda bomb: {(bomb, "0.weight"): torch.zeros(2)},
    "beside the state": lambda bomb: {"state_dict": state(), "optimizer": [{"hook": bomb}]},
}


@pytest.mark.parametrize("suffix", [".pth", ".safetensors"])
@pytest.mark.parametrize("bomb", [Bomb, Builder, Text])
@pytest.mark.parametrize("place", PLACES)
def test_code_in_a_file_does_not_run(tmp_path, suffix, bomb, place):
    touched = tmp_path / "touched"
    for name, write in FORMATS.items():
        data = write(PLACES[place](bomb(touched)))
        assert read(tmp_path / f"{name}{suffix}", data) is None
        assert not touched.exists(), name


@pytest.mark.parametrize("bomb", [Bomb, Builder, Text])
@pytest.mark.parametrize("write", ["zip", "legacy", "pickle 2"])
def test_the_code_would_run_if_it_were_let(tmp_path, bomb, write):
    """Otherwise the test above would say nothing."""
    touched, path = tmp_path / "touched", tmp_path / "w.pth"
    path.write_bytes(FORMATS[write](state() | {"0.weight": bomb(touched)}))
    if write.startswith("pickle"):
        pickle.loads(path.read_bytes())
    else:
        torch.load(path, weights_only=False)
    assert touched.exists()


def test_a_program_of_torchscript_is_refused(tmp_path):
    path = tmp_path / "w.pth"
    torch.jit.save(torch.jit.script(model()), path)
    assert read(path, path.read_bytes()) is None


# --- files that claim more than they hold


def safetensors_of(header, length=None, data=bytes(64)):
    text = header if isinstance(header, bytes) else json.dumps(header).encode()
    return struct.pack("<Q", len(text) if length is None else length) + text + data


def entry(dtype="F32", shape=(2,), start=0, stop=8):
    return {"x": {"dtype": dtype, "shape": shape, "data_offsets": [start, stop]}}


@pytest.mark.parametrize(
    "data",
    [
        safetensors_of({}, 2**63),
        safetensors_of({}, 2**64 - 1),
        safetensors_of({}, 10**8),
        safetensors_of(b"{" * 5000),
        safetensors_of(b"\xff\xfe"),
        safetensors_of(entry(stop=2**62)),
        safetensors_of(entry(shape=(2**40, 2**40))),
        safetensors_of(entry(shape=(-1,))),
        safetensors_of(entry(dtype="F33")),
        safetensors_of(entry(start=8, stop=0)),
        safetensors_of({"x": 1}),
        safetensors_of(entry() | {"y": entry()["x"]}),
    ],
)
def test_absurd_headers_are_refused(tmp_path, data):
    assert read(tmp_path / "w.safetensors", data) is None


def test_a_pickle_that_claims_a_huge_text_is_refused(tmp_path):
    for opcode, length in ((b"\x8d", 2**62), (b"\x8e", 2**40), (b"X", 2**31)):
        packed = struct.pack("<Q", length)[: 4 if opcode == b"X" else 8]
        data = b"\x80\x04" + opcode + packed + b"short"
        assert read(tmp_path / "w.pth", data) is None
