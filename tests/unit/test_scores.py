import pytest
import scipy.stats
import small
import torch
import torchvision
from captum.attr import LayerGradientXActivation
from small import magnitude_scores, random_scores
from torch import nn

from anatomy.errors import InputError
from anatomy.layer_scores import ConvolutionScores, LinearScores, normalise
from anatomy.networks.graph import find_layers, trace
from anatomy.networks.network import Network
from anatomy.networks.preprocessing import Preprocessing
from anatomy.scores import contributions, score_weights

KINDS = ["signed", "absolute_per_image", "absolute_per_position"]


def network_of(model):
    graph = trace(model)
    return Network(
        name="small",
        graph=graph,
        layers=find_layers(graph, {}),
        preprocessing=Preprocessing(input_size=8, mean=(0, 0, 0), std=(1, 1, 1)),
        categories=("a", "b", "c", "d", "e"),
        digest="",
        device=torch.device("cpu"),
    )


def small_alexnet():
    """Two convolutions, one strided and one grouped and dilated, and three linear layers."""
    torch.manual_seed(0)
    return nn.Sequential(
        nn.Conv2d(3, 8, 5, stride=2, padding=1),
        nn.ReLU(inplace=True),
        nn.MaxPool2d(3, 2),
        nn.Conv2d(8, 12, 3, padding=(2, 1), dilation=(2, 1), groups=2, bias=False),
        nn.ReLU(inplace=True),
        nn.AdaptiveAvgPool2d((3, 2)),
        nn.Flatten(),
        nn.Dropout(),
        nn.Linear(72, 20),
        nn.ReLU(inplace=True),
        nn.Linear(20, 15),
        nn.ReLU(inplace=True),
        nn.Linear(15, 5),
    )


def images(count, size=23, seed=1):
    generator = torch.Generator().manual_seed(seed)
    return torch.randn(count, 3, size, size, generator=generator, dtype=torch.float64)


def dense(network, scores):
    return {name: own.dense(network.module(name).weight) for name, own in scores.items()}


def scores_by_loop(network, images, output, absolute):
    """The definition: w * dz/dw image by image, with batches of one."""
    weights = {layer.name: network.module(layer.name).weight for layer in network.layers}
    totals = {name: torch.zeros_like(weight) for name, weight in weights.items()}
    for image in images:
        logit = network.graph(image[None])[0, output]
        gradients = torch.autograd.grad(logit, list(weights.values()))
        for (name, weight), gradient in zip(weights.items(), gradients, strict=True):
            contribution = (weight * gradient).detach()
            totals[name] += contribution.abs() if absolute else contribution
    return {name: total.detach() / len(images) for name, total in totals.items()}


def assert_equal_scores(scores, expected, tolerance):
    assert list(scores) == list(expected)
    for name, values in scores.items():
        largest = expected[name].abs().max().item()
        assert largest > 0
        torch.testing.assert_close(
            values, expected[name], rtol=tolerance, atol=tolerance * largest, msg=name
        )


def names(network):
    return [layer.name for layer in network.layers]


@pytest.mark.parametrize(("dtype", "tolerance"), [(torch.float64, 1e-11), (torch.float32, 1e-5)])
@pytest.mark.parametrize("kind", ["signed", "absolute_per_image"])
def test_scores_equal_a_loop_over_images(kind, dtype, tolerance):
    network = network_of(small_alexnet().to(dtype))
    stimuli = images(4).to(dtype)
    scores = dense(network, score_weights(network, stimuli, 3, kind, names(network)))
    expected = scores_by_loop(network, stimuli, 3, absolute=kind != "signed")
    assert_equal_scores(scores, expected, tolerance)


def scores_by_position(module, inputs, gradients):
    """Sum over images and positions of |w x g| of a convolution, one kernel position at a time."""
    (pad_y, pad_x), (step_y, step_x) = module.padding, module.stride
    padded = nn.functional.pad(inputs, (pad_x, pad_x, pad_y, pad_y))
    outputs, per_group, height, width = module.weight.shape
    rows, columns = gradients.shape[2:]
    total = torch.zeros_like(module.weight)
    for unit in range(outputs):
        first = unit // (outputs // module.groups) * per_group
        for y in range(height):
            for x in range(width):
                top, left = y * module.dilation[0], x * module.dilation[1]
                seen = padded[
                    :,
                    first : first + per_group,
                    top : top + step_y * (rows - 1) + 1 : step_y,
                    left : left + step_x * (columns - 1) + 1 : step_x,
                ]
                products = module.weight[unit, :, y, x][None, :, None, None] * seen
                total[unit, :, y, x] = (
                    (products * gradients[:, unit : unit + 1]).abs().sum((0, 2, 3))
                )
    return total.detach()


def test_absolute_per_position_sums_over_positions():
    network = network_of(small_alexnet().double())
    stimuli = images(3)
    scores = dense(
        network, score_weights(network, stimuli, 1, "absolute_per_position", names(network))
    )
    # A plain pass, layer by layer, for inputs and output gradients of the two convolutions.
    value, seen = stimuli, {}
    for name, module in network.graph.named_children():
        inputs, value = value, module(value)
        value.retain_grad()
        seen[name] = inputs.detach(), value
    value[:, 1].sum().backward()
    for name in ("0", "3"):
        inputs, outputs = seen[name]
        expected = scores_by_position(network.module(name), inputs, outputs.grad) / 3
        assert_equal_scores({name: scores[name]}, {name: expected}, 1e-11)
    # At a single position there is nothing to cancel.
    per_image = scores_by_loop(network, stimuli, 1, absolute=True)
    for name in ("8", "10", "12"):
        assert_equal_scores({name: scores[name]}, {name: per_image[name]}, 1e-11)
    for name in ("0", "3"):
        assert (scores[name] >= per_image[name] * (1 - 1e-9)).all()
        assert scores[name].sum() > 1.2 * per_image[name].sum()


@pytest.mark.filterwarnings("ignore:Using padding='same' with even kernel lengths")
@pytest.mark.parametrize(
    "convolution",
    [
        {"kernel_size": 4, "padding": "same"},
        {"kernel_size": (3, 2), "padding": "same", "dilation": (2, 3)},
        {"kernel_size": 3, "padding": "valid", "stride": 2},
        {"kernel_size": 3, "padding": (1, 2), "padding_mode": "reflect"},
        {"kernel_size": 3, "padding": 1, "padding_mode": "circular", "stride": (1, 2)},
        {"kernel_size": (1, 5), "padding": (0, 2), "padding_mode": "replicate", "groups": 3},
        {"kernel_size": 3, "stride": 3, "padding": 2, "groups": 3},
    ],
    ids=str,
)
@pytest.mark.parametrize("kind", ["signed", "absolute_per_image"])
def test_every_kind_of_padding(convolution, kind):
    torch.manual_seed(2)
    model = nn.Sequential(
        nn.Conv2d(3, 6, **convolution),
        nn.Tanh(),
        nn.AdaptiveMaxPool2d(3),
        nn.Flatten(),
        nn.Linear(54, 2),
    )
    network = network_of(model.double())
    stimuli = images(2, size=10)
    scores = dense(network, score_weights(network, stimuli, 0, kind, names(network)))
    expected = scores_by_loop(network, stimuli, 0, absolute=kind != "signed")
    assert_equal_scores(scores, expected, 1e-11)


class SeveralPositions(nn.Module):
    """A convolution and a linear layer called twice, and a linear layer at all positions."""

    def __init__(self):
        super().__init__()
        self.embed = nn.Conv2d(3, 4, 2, stride=2)
        self.again = nn.Conv2d(4, 4, 3, padding=1)
        self.mix = nn.Linear(4, 6)
        self.shared = nn.Linear(6, 6)
        self.read = nn.Linear(6, 5)

    def forward(self, value):
        value = self.embed(value)
        value = self.again(torch.tanh(self.again(value)))
        value = torch.tanh(self.mix(value.flatten(2).transpose(1, 2)))
        value = value.square().mean(1)
        return self.read(torch.tanh(self.shared(torch.tanh(self.shared(value)))))


@pytest.mark.parametrize("kind", ["signed", "absolute_per_image"])
def test_shared_layers_and_linear_layers_at_several_positions(kind):
    torch.manual_seed(3)
    network = network_of(SeveralPositions().double())
    stimuli = images(3, size=8)
    scores = score_weights(network, stimuli, 4, kind, names(network))
    assert isinstance(scores["mix"], ConvolutionScores)
    assert isinstance(scores["read"], LinearScores)
    expected = scores_by_loop(network, stimuli, 4, absolute=kind != "signed")
    assert_equal_scores(dense(network, scores), expected, 1e-11)


def test_absolute_per_position_of_a_linear_layer_at_several_positions():
    torch.manual_seed(3)
    model = SeveralPositions().double()
    network = network_of(model)
    stimuli = images(2, size=8)
    scores = score_weights(network, stimuli, 4, "absolute_per_position", ["mix"])
    with torch.no_grad():
        value = model.embed(stimuli)
        seen = model.again(torch.tanh(model.again(value))).flatten(2).transpose(1, 2)
    mixed = model.mix(seen).detach().requires_grad_()
    pooled = torch.tanh(mixed).square().mean(1)
    logits = model.read(torch.tanh(model.shared(torch.tanh(model.shared(pooled)))))
    (gradient,) = torch.autograd.grad(logits[:, 4].sum(), mixed)
    products = gradient[:, :, :, None] * model.mix.weight * seen[:, :, None, :]
    expected = products.abs().sum((0, 1)).detach() / 2
    torch.testing.assert_close(scores["mix"].values, expected)


def some_weights(network, seed=4):
    """Indices of some weights of each layer, in no order, one of them twice."""
    generator = torch.Generator().manual_seed(seed)
    drawn = {}
    for layer in network.layers:
        size = network.module(layer.name).weight.numel()
        indices = torch.randperm(size, generator=generator)[:25]
        drawn[layer.name] = torch.cat([indices, indices[:1]])
    return drawn


def networks_of_every_kind():
    torch.manual_seed(3)
    several = network_of(SeveralPositions().double())
    models = {kind: small.network_of(small.new(kind).double()) for kind in small.MODELS}
    return models | {"several positions and calls": several}


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("name", [*small.MODELS, "several positions and calls"])
def test_contributions_of_images_average_to_scores(name, kind):
    network = networks_of_every_kind()[name]
    stimuli = images(3, size=16)
    sample = some_weights(network)
    own = contributions(network, stimuli, 2, kind, sample)
    scores = dense(network, score_weights(network, stimuli, 2, kind, names(network)))
    assert list(own) == names(network)
    for layer, indices in sample.items():
        assert own[layer].shape == (3, len(indices))
        assert own[layer].abs().max() > 0
        assert own[layer][0].ne(own[layer][1]).any()
        torch.testing.assert_close(own[layer].mean(0), scores[layer].flatten()[indices])


@pytest.mark.parametrize("kind", ["signed", "absolute_per_image"])
@pytest.mark.parametrize("name", [*small.MODELS, "several positions and calls"])
def test_contributions_are_those_of_a_loop_over_images(name, kind):
    network = networks_of_every_kind()[name]
    stimuli = images(3, size=16)
    sample = some_weights(network)
    network.graph.requires_grad_(True)
    own = contributions(network, stimuli, 2, kind, sample)
    for place, image in enumerate(stimuli):
        expected = scores_by_loop(network, image[None], 2, absolute=kind != "signed")
        for layer, indices in sample.items():
            assert not own[layer].requires_grad
            torch.testing.assert_close(own[layer][place], expected[layer].flatten()[indices])


@pytest.mark.parametrize("index", [-1, 12])
def test_contributions_of_weights_that_do_not_exist_are_refused(index):
    network = network_of(Branches())
    stimuli = images(2, size=2).float()
    sample = {"left": torch.tensor([0]), "flat": torch.tensor([0])}
    with pytest.raises(InputError, match="layer 'left' has 3 weights"):
        contributions(network, stimuli, 0, "signed", {"left": torch.tensor([0, index])})
    with pytest.raises(InputError, match="layer 'flat' mixes images"):
        contributions(network, stimuli, 0, "signed", sample)


def test_scores_of_a_unit_sum_to_its_gradient_times_activation():
    """Incoming signed scores plus the bias term equal Captum's mean activation x gradient."""
    model = small_alexnet().double()
    network = network_of(model)
    stimuli = images(4)
    scores = dense(network, score_weights(network, stimuli, 2, "signed", names(network)))
    for name, values in scores.items():
        module = network.module(name)
        attributed = LayerGradientXActivation(network.graph, module)
        expected = attributed.attribute(stimuli, target=2).detach()
        expected = expected.reshape(4, expected.shape[1], -1).sum(2).mean(0)
        incoming = values.flatten(1).sum(1)
        if module.bias is not None:
            parameters = dict(network.graph.named_parameters())
            logit = network.graph(stimuli)[:, 2].mean()
            (gradient,) = torch.autograd.grad(logit, parameters[f"{name}.bias"])
            incoming = incoming + (module.bias * gradient).detach()
        torch.testing.assert_close(incoming, expected)


def test_torchvision_alexnet():
    torch.manual_seed(5)
    network = network_of(torchvision.models.alexnet(weights=None))
    stimuli = images(2, size=96).float()
    scores = score_weights(network, stimuli, 7, "absolute_per_image", names(network))
    expected = scores_by_loop(network, stimuli, 7, absolute=True)
    for name, values in dense(network, scores).items():
        difference = values.sub_(expected[name]).abs_().max()
        assert difference < 1e-5 * expected[name].max()


def test_row_is_a_row_of_dense():
    network = network_of(small_alexnet())
    layers = names(network)
    stimuli = images(3).float()
    several = [score_weights(network, stimuli, 0, kind, layers) for kind in KINDS]
    several += [magnitude_scores(layers), random_scores(3, "cat", layers)]
    for scores in several:
        for name, own in scores.items():
            weight = network.module(name).weight
            rows = torch.stack([own.row(weight, index) for index in range(len(weight))])
            torch.testing.assert_close(rows, own.dense(weight))
            assert not rows.requires_grad


def test_linear_scores_hold_only_their_factors():
    network = network_of(small_alexnet())
    scores = score_weights(network, images(3).float(), 0, "signed", ["8"])["8"]
    assert scores.inputs.shape == (3, 72)
    assert scores.gradients.shape == (3, 20)
    assert not scores.inputs.requires_grad
    assert not scores.gradients.requires_grad


@pytest.mark.parametrize("trained", [True, False])
def test_the_network_is_left_as_it_was(trained):
    network = network_of(small_alexnet())
    network.graph.requires_grad_(trained)
    stimuli = images(2).float()
    with torch.no_grad():
        scores = score_weights(network, stimuli, 0, "absolute_per_image", names(network))
    network.graph.requires_grad_(True)
    expected = scores_by_loop(network, stimuli, 0, absolute=True)
    network.graph.requires_grad_(trained)
    assert_equal_scores(dense(network, scores), expected, 1e-5)
    assert not stimuli.requires_grad
    with pytest.raises(RuntimeError):
        score_weights(network, images(2)[:, :2].float(), 0, "signed", names(network))
    for module in network.graph.modules():
        assert not module._forward_hooks
    for parameter in network.graph.parameters():
        assert parameter.requires_grad == trained
        assert parameter.grad is None


def test_only_the_asked_layers_are_scored_once_each():
    network = network_of(small_alexnet().double())
    stimuli = images(2)
    expected = scores_by_loop(network, stimuli, 0, absolute=False)
    scores = dense(network, score_weights(network, stimuli, 0, "signed", ["10", "3", "10"]))
    assert_equal_scores(scores, {name: expected[name] for name in ("10", "3")}, 1e-11)


class Branches(nn.Module):
    """One output for each of two layers, and a layer that mixes the images."""

    def __init__(self):
        super().__init__()
        self.left = nn.Linear(3, 1)
        self.right = nn.Linear(3, 1)
        self.flat = nn.Linear(4, 4)

    def forward(self, value):
        pooled = value.mean((2, 3)) + self.flat(value.flatten(0, 1).flatten(1)).mean()
        return torch.cat([self.left(pooled), self.right(pooled)], 1)


def test_a_layer_of_another_output_scores_zero():
    network = network_of(Branches())
    scores = score_weights(network, images(2, size=2).float(), 0, "signed", ["left", "right"])
    assert dense(network, scores)["left"].abs().min() > 0
    assert dense(network, scores)["right"].tolist() == [[0, 0, 0]]


def test_bad_input_is_named():
    network = network_of(Branches())
    stimuli = images(2, size=2).float()
    with pytest.raises(InputError, match="layer 'flat' mixes images"):
        score_weights(network, stimuli, 0, "signed", ["flat"])
    with pytest.raises(InputError, match="no layer 'middle'"):
        score_weights(network, stimuli, 0, "signed", ["left", "middle"])
    with pytest.raises(InputError, match="no output 2 among 2"):
        score_weights(network, stimuli, 2, "signed", ["left"])
    with pytest.raises(InputError, match="images must be"):
        score_weights(network, stimuli[:0], 0, "signed", ["left"])
    with pytest.raises(InputError, match="do not belong"):
        ConvolutionScores(torch.ones(2, 2)).dense(torch.ones(2, 3))
    assert not network.module("left")._forward_hooks


def test_magnitude_scores_are_absolute_weights():
    weight = nn.Parameter(torch.tensor([[-2.0, 1.0], [0.0, 3.0]]))
    scores = magnitude_scores(["fc"])["fc"]
    assert scores.dense(weight).tolist() == [[2, 1], [0, 3]]
    assert scores.row(weight, 0).tolist() == [2, 1]


def test_random_scores_are_uniform_and_depend_on_seed_category_and_layer():
    weight = torch.empty(100, 200)
    cases = [(0, "a", "fc6"), (1, "a", "fc6"), (0, "b", "fc6"), (0, "a", "fc7"), (0, "af", "c6")]
    drawn = [random_scores(s, c, [layer])[layer].dense(weight).flatten() for s, c, layer in cases]
    for values in drawn:
        assert scipy.stats.kstest(values.numpy(), "uniform").pvalue > 1e-4
    correlations = torch.corrcoef(torch.stack(drawn)) - torch.eye(len(cases))
    assert correlations.abs().max() < 0.04  # 5.6 standard errors
    among_others = random_scores(0, "a", ["conv1", "fc6"])["fc6"].dense(weight)
    torch.testing.assert_close(among_others.flatten(), drawn[0], rtol=0, atol=0)


def test_normalisation():
    scores = {"fc6": torch.tensor([[1.0, -3.0], [5.0, 1.0]]), "fc7": torch.tensor([0.0, 4.0])}
    scaled = normalise(scores, "minmax")
    assert scaled["fc6"].tolist() == [[0.5, 0], [1, 0.5]]
    assert scaled["fc7"].tolist() == [0, 1]
    shares = normalise(scores, "l1")
    torch.testing.assert_close(shares["fc6"], torch.tensor([[0.1, -0.3], [0.5, 0.1]]))
    assert shares["fc7"].tolist() == [0, 1]
    assert normalise(scores, "none") == scores
    assert scores["fc6"].tolist() == [[1, -3], [5, 1]]


def test_layers_that_cannot_be_normalised_are_named():
    zero = {"fc6": torch.tensor([0.0, 1.0]), "fc7": torch.zeros(3)}
    for method in ("minmax", "l1"):
        with pytest.raises(InputError, match="all scores of layer 'fc7' are 0"):
            normalise(zero, method)
    assert normalise(zero, "none") == zero
    constant = {"fc7": torch.full((2, 2), 2.5)}
    with pytest.raises(InputError, match=r"all scores of layer 'fc7' are 2\.5"):
        normalise(constant, "minmax")
    assert normalise(constant, "l1")["fc7"].unique().tolist() == [0.25]
    for bad in (torch.nan, torch.inf):
        for method in ("minmax", "l1", "none"):
            with pytest.raises(InputError, match="layer 'fc6'"):
                normalise({"fc6": torch.tensor([1.0, bad])}, method)
