"""Say from `config.json` how transformers loads a model and which task it does."""

from __future__ import annotations

from typing import Any

# The last words of an architecture's class name → auto class and task. Longer endings first where one contains another.
_BY_ENDING = (
    ("ForCausalLM", "AutoModelForCausalLM", "text-generation"),
    ("LMHeadModel", "AutoModelForCausalLM", "text-generation"),
    ("ForMaskedLM", "AutoModelForMaskedLM", "fill-mask"),
    ("ForSequenceClassification", "AutoModelForSequenceClassification", "text-classification"),
    ("ForTokenClassification", "AutoModelForTokenClassification", "token-classification"),
    ("ForVisualQuestionAnswering", "AutoModelForVisualQuestionAnswering", "visual-question-answering"),
    ("ForDocumentQuestionAnswering", "AutoModelForDocumentQuestionAnswering", "document-question-answering"),
    ("ForTableQuestionAnswering", "AutoModelForTableQuestionAnswering", "table-question-answering"),
    ("ForQuestionAnsweringSimple", "AutoModelForQuestionAnswering", "question-answering"),
    ("ForQuestionAnswering", "AutoModelForQuestionAnswering", "question-answering"),
    ("ForMultipleChoice", "AutoModelForMultipleChoice", "multiple-choice"),
    ("ForPreTraining", "AutoModelForPreTraining", None),
    ("ForVideoClassification", "AutoModelForVideoClassification", "video-classification"),
    ("ForAudioClassification", "AutoModelForAudioClassification", "audio-classification"),
    ("ForImageClassification", "AutoModelForImageClassification", "image-classification"),
    ("ForZeroShotObjectDetection", "AutoModelForZeroShotObjectDetection", "zero-shot-object-detection"),
    ("ForObjectDetection", "AutoModelForObjectDetection", "object-detection"),
    ("ForSemanticSegmentation", "AutoModelForSemanticSegmentation", "image-segmentation"),
    ("ForInstanceSegmentation", "AutoModelForInstanceSegmentation", "image-segmentation"),
    ("ForUniversalSegmentation", "AutoModelForUniversalSegmentation", "image-segmentation"),
    ("ForDepthEstimation", "AutoModelForDepthEstimation", "depth-estimation"),
    ("ForMaskGeneration", "AutoModelForMaskGeneration", "mask-generation"),
    ("ForKeypointDetection", "AutoModelForKeypointDetection", "keypoint-detection"),
    ("ForCTC", "AutoModelForCTC", "automatic-speech-recognition"),
    ("ForSpeechSeq2Seq", "AutoModelForSpeechSeq2Seq", "automatic-speech-recognition"),
    ("ForTextToSpeech", "AutoModelForTextToWaveform", "text-to-speech"),
    ("ForTextToWaveform", "AutoModelForTextToWaveform", "text-to-audio"),
)

_SPEECH = {"whisper", "speech_to_text", "speecht5", "moonshine", "seamless_m4t"}
_VISION = {
    "blip", "blip-2", "git", "idefics", "idefics2", "idefics3", "instructblip", "kosmos-2", "llava", "llava_next",
    "llava_onevision", "mllama", "paligemma", "pix2struct", "pixtral", "qwen2_vl", "qwen2_5_vl", "qwen3_vl", "smolvlm",
    "vipllava", "gemma3", "mistral3", "internvl", "aya_vision",
}  # fmt: skip
_CLIP = {"clip", "siglip", "siglip2", "align", "altclip", "chinese_clip"}
_SPEECH_TASKS = {"automatic-speech-recognition", "audio-classification", "text-to-speech", "text-to-audio"}
_IMAGE_TASKS = {
    "image-classification", "object-detection", "zero-shot-object-detection", "image-segmentation", "depth-estimation",
    "mask-generation", "keypoint-detection", "video-classification",
}  # fmt: skip
_MIXED_TASKS = {
    "image-text-to-text", "visual-question-answering", "document-question-answering", "zero-shot-image-classification",
}  # fmt: skip


def transformers_info(config: dict[str, Any]) -> dict[str, str] | None:
    """Return `{"auto_model", "pipeline_tag"?, "processor"?, "custom_class"?}`, or None without an architecture."""
    architectures = config.get("architectures")
    if not isinstance(architectures, list) or not architectures or not _is_name(architectures[0]):
        return None
    model_type = config.get("model_type") if isinstance(config.get("model_type"), str) else ""
    custom = _custom(config)
    auto_model, task = _of(architectures[0], str(model_type))
    if custom is not None:
        found = {"auto_model": custom[0], "custom_class": custom[1]}
        return found | ({"pipeline_tag": task} if task else {})
    info = {"auto_model": auto_model}
    if task is not None:
        info["pipeline_tag"] = task
    info["processor"] = _processor(task)
    return info


def _of(architecture: str, model_type: str) -> tuple[str, str | None]:
    if architecture.endswith("ForConditionalGeneration"):
        if model_type in _SPEECH:
            return "AutoModelForSpeechSeq2Seq", "automatic-speech-recognition"
        if model_type in _VISION or "vl" in model_type.split("_"):
            return "AutoModelForImageTextToText", "image-text-to-text"
        return "AutoModelForSeq2SeqLM", "text2text-generation"
    for ending, auto_model, task in _BY_ENDING:
        if architecture.endswith(ending):
            return auto_model, task
    if model_type in _CLIP and architecture.endswith("Model"):
        return "AutoModelForZeroShotImageClassification", "zero-shot-image-classification"
    return "AutoModel", "feature-extraction"


def _custom(config: dict[str, Any]) -> tuple[str, str] | None:
    """A model with code of its own names its classes in `auto_map`."""
    mapping = config.get("auto_map")
    if not isinstance(mapping, dict):
        return None
    for name, target in mapping.items():
        if _is_name(name) and name.startswith("AutoModel") and _is_name(target):
            return name, target
    return None


def _processor(task: str | None) -> str:
    if task in _SPEECH_TASKS or task in _MIXED_TASKS:
        return "AutoProcessor"
    return "AutoImageProcessor" if task in _IMAGE_TASKS else "AutoTokenizer"


def _is_name(value: object) -> bool:
    return isinstance(value, str) and 0 < len(value) <= 200 and value.isprintable()
