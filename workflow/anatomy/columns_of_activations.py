"""Columns of the tables of features and activations, and what each of them means."""

FEATURES = {
    "layer": "layer",
    "unit": "unit, from 0",
    "category": "category of an output unit, else empty",
    "start": "what the unit gives to the random image that the ascent begins with: mean over positions of its response "
    "before the non-linearity, negative values counted a hundredth; of an output unit its logit",
    "activation": "what it gives to the picture",
    "picture": "the image that was found, a WebP file of the size of the network's input",
}
FILTERS = {
    "layer": "first layer",
    "unit": "unit, from 0",
    "largest": "largest absolute weight of the unit, which is full black or full colour in its picture",
    "picture": "its weights as an image, a PNG file with a pixel per position of the kernel; grey is 0",
}
CHANNELS = {
    "image": "row of the image in the table of the stimulus set",
    "image_id": "its name there",
    "category": "its category",
    "layer": "layer",
    "unit": "unit (channel), from 0",
    "largest": "largest response over positions, before the non-linearity",
    "mean": "mean over positions",
    "y": "row of the largest response in the channel's map",
    "x": "column",
    "rank": "place among the channels of the layer, 0 for the one that responds most to this image",
}
OCCLUSION = {
    "layer": "layer",
    "unit": "unit, from 0",
    "image": "row of its best image in the table of the stimulus set",
    "image_id": "name of that image",
    "top": "row of the patch's first pixel in the image that the network sees",
    "left": "column",
    "side": "side of the patch, pixels",
    "intact": "largest response over positions to the whole image",
    "response": "the same with the patch covered",
    "drop": "intact - response",
}
MANIPULATION = {
    "layer": "layer",
    "unit": "unit, from 0",
    "concept": "concept whose pixels are covered",
    "concept_category": "its category",
    "images": "images that were covered",
    "intact": "largest response over positions to the whole image, mean over the images",
    "drop": "how much lower it is when the concept's pixels are covered",
    "drop_elsewhere": "how much lower when the same shape is covered elsewhere, mean over several places",
    "difference": "drop - drop_elsewhere",
    "low": "lower end of its 95 % t interval over images",
    "high": "upper end",
    "p_value": "paired t-test over images, one-sided: the concept matters more than another place",
    "q_value": "the same adjusted for all units and concepts of the layer (false discovery rate, Benjamini & Hochberg)",
    "relative_drop": "drop / intact",
    "detector": "whether the q-value is below the level, and drop and difference reach the minimum share of intact",
}
MANIPULATION_EXAMPLES = {
    "concept": "concept whose pixels are covered",
    "layer": "layer of the unit that needs them most",
    "unit": "that unit",
    "image_id": "image",
    "condition": "intact, covered, or elsewhere: as much covered in another place",
    "response": "largest response of the unit over positions",
    "picture": "what the network saw, a WebP file",
}
