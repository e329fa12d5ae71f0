"""The words of cards that clients and people expect to find: tasks, licenses, libraries, sizes."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Task:
    """A kind of work a model does; `modality` groups tasks on pages."""

    id: str
    label: str
    modality: str


TASKS = {
    task.id: task
    for task in (
        Task("text-classification", "Text Classification", "nlp"),
        Task("token-classification", "Token Classification", "nlp"),
        Task("table-question-answering", "Table Question Answering", "nlp"),
        Task("question-answering", "Question Answering", "nlp"),
        Task("zero-shot-classification", "Zero-Shot Classification", "nlp"),
        Task("translation", "Translation", "nlp"),
        Task("summarization", "Summarization", "nlp"),
        Task("feature-extraction", "Feature Extraction", "nlp"),
        Task("text-generation", "Text Generation", "nlp"),
        Task("fill-mask", "Fill-Mask", "nlp"),
        Task("sentence-similarity", "Sentence Similarity", "nlp"),
        Task("text-to-speech", "Text-to-Speech", "audio"),
        Task("text-to-audio", "Text-to-Audio", "audio"),
        Task("automatic-speech-recognition", "Automatic Speech Recognition", "audio"),
        Task("audio-to-audio", "Audio-to-Audio", "audio"),
        Task("audio-classification", "Audio Classification", "audio"),
        Task("audio-text-to-text", "Audio-Text-to-Text", "multimodal"),
        Task("voice-activity-detection", "Voice Activity Detection", "audio"),
        Task("depth-estimation", "Depth Estimation", "cv"),
        Task("image-classification", "Image Classification", "cv"),
        Task("object-detection", "Object Detection", "cv"),
        Task("image-segmentation", "Image Segmentation", "cv"),
        Task("text-to-image", "Text-to-Image", "cv"),
        Task("image-to-text", "Image-to-Text", "cv"),
        Task("image-to-image", "Image-to-Image", "cv"),
        Task("image-to-video", "Image-to-Video", "cv"),
        Task("unconditional-image-generation", "Unconditional Image Generation", "cv"),
        Task("video-classification", "Video Classification", "cv"),
        Task("reinforcement-learning", "Reinforcement Learning", "rl"),
        Task("robotics", "Robotics", "rl"),
        Task("tabular-classification", "Tabular Classification", "tabular"),
        Task("tabular-regression", "Tabular Regression", "tabular"),
        Task("tabular-to-text", "Tabular to Text", "tabular"),
        Task("table-to-text", "Table to Text", "nlp"),
        Task("multiple-choice", "Multiple Choice", "nlp"),
        Task("text-ranking", "Text Ranking", "nlp"),
        Task("text-retrieval", "Text Retrieval", "nlp"),
        Task("time-series-forecasting", "Time Series Forecasting", "tabular"),
        Task("text-to-video", "Text-to-Video", "cv"),
        Task("image-text-to-text", "Image-Text-to-Text", "multimodal"),
        Task("image-text-to-image", "Image-Text-to-Image", "multimodal"),
        Task("image-text-to-video", "Image-Text-to-Video", "multimodal"),
        Task("visual-question-answering", "Visual Question Answering", "multimodal"),
        Task("document-question-answering", "Document Question Answering", "multimodal"),
        Task("zero-shot-image-classification", "Zero-Shot Image Classification", "cv"),
        Task("graph-ml", "Graph Machine Learning", "other"),
        Task("mask-generation", "Mask Generation", "cv"),
        Task("zero-shot-object-detection", "Zero-Shot Object Detection", "cv"),
        Task("text-to-3d", "Text-to-3D", "cv"),
        Task("image-to-3d", "Image-to-3D", "cv"),
        Task("image-feature-extraction", "Image Feature Extraction", "cv"),
        Task("video-text-to-text", "Video-Text-to-Text", "multimodal"),
        Task("keypoint-detection", "Keypoint Detection", "cv"),
        Task("visual-document-retrieval", "Visual Document Retrieval", "multimodal"),
        Task("any-to-any", "Any-to-Any", "multimodal"),
        Task("video-to-video", "Video-to-Video", "cv"),
        Task("other", "Other", "other"),
        Task("text2text-generation", "Text2Text Generation", "nlp"),
    )
}

LICENSES = {
    "apache-2.0": "Apache license 2.0",
    "mit": "MIT",
    "openrail": "OpenRAIL license family",
    "bigscience-openrail-m": "BigScience OpenRAIL-M",
    "creativeml-openrail-m": "CreativeML OpenRAIL-M",
    "bigscience-bloom-rail-1.0": "BigScience BLOOM RAIL 1.0",
    "bigcode-openrail-m": "BigCode Open RAIL-M v1",
    "afl-3.0": "Academic Free License v3.0",
    "artistic-2.0": "Artistic license 2.0",
    "bsl-1.0": "Boost Software License 1.0",
    "bsd": "BSD license family",
    "bsd-2-clause": 'BSD 2-clause "Simplified" license',
    "bsd-3-clause": 'BSD 3-clause "New" or "Revised" license',
    "bsd-3-clause-clear": "BSD 3-clause Clear license",
    "c-uda": "Computational Use of Data Agreement",
    "cc": "Creative Commons license family",
    "cc0-1.0": "Creative Commons Zero v1.0 Universal",
    "cc-by-2.0": "Creative Commons Attribution 2.0",
    "cc-by-2.5": "Creative Commons Attribution 2.5",
    "cc-by-3.0": "Creative Commons Attribution 3.0",
    "cc-by-4.0": "Creative Commons Attribution 4.0",
    "cc-by-sa-3.0": "Creative Commons Attribution Share Alike 3.0",
    "cc-by-sa-4.0": "Creative Commons Attribution Share Alike 4.0",
    "cc-by-nc-2.0": "Creative Commons Attribution Non Commercial 2.0",
    "cc-by-nc-3.0": "Creative Commons Attribution Non Commercial 3.0",
    "cc-by-nc-4.0": "Creative Commons Attribution Non Commercial 4.0",
    "cc-by-nd-4.0": "Creative Commons Attribution No Derivatives 4.0",
    "cc-by-nc-nd-3.0": "Creative Commons Attribution Non Commercial No Derivatives 3.0",
    "cc-by-nc-nd-4.0": "Creative Commons Attribution Non Commercial No Derivatives 4.0",
    "cc-by-nc-sa-2.0": "Creative Commons Attribution Non Commercial Share Alike 2.0",
    "cc-by-nc-sa-3.0": "Creative Commons Attribution Non Commercial Share Alike 3.0",
    "cc-by-nc-sa-4.0": "Creative Commons Attribution Non Commercial Share Alike 4.0",
    "cdla-sharing-1.0": "Community Data License Agreement - Sharing, Version 1.0",
    "cdla-permissive-1.0": "Community Data License Agreement - Permissive, Version 1.0",
    "cdla-permissive-2.0": "Community Data License Agreement - Permissive, Version 2.0",
    "wtfpl": "Do What The F*ck You Want To Public License",
    "ecl-2.0": "Educational Community License v2.0",
    "epl-1.0": "Eclipse Public License 1.0",
    "epl-2.0": "Eclipse Public License 2.0",
    "etalab-2.0": "Etalab Open License 2.0",
    "eupl-1.1": "European Union Public License 1.1",
    "eupl-1.2": "European Union Public License 1.2",
    "agpl-3.0": "GNU Affero General Public License v3.0",
    "gfdl": "GNU Free Documentation License family",
    "gpl": "GNU General Public License family",
    "gpl-2.0": "GNU General Public License v2.0",
    "gpl-3.0": "GNU General Public License v3.0",
    "lgpl": "GNU Lesser General Public License family",
    "lgpl-2.1": "GNU Lesser General Public License v2.1",
    "lgpl-3.0": "GNU Lesser General Public License v3.0",
    "isc": "ISC",
    "h-research": "H Research License",
    "intel-research": "Intel Research Use License Agreement",
    "lppl-1.3c": "LaTeX Project Public License v1.3c",
    "ms-pl": "Microsoft Public License",
    "apple-ascl": "Apple Sample Code license",
    "apple-amlr": "Apple Model License for Research",
    "mpl-2.0": "Mozilla Public License 2.0",
    "odc-by": "Open Data Commons License Attribution family",
    "odbl": "Open Database License family",
    "openmdw-1.0": "Open Model, Data & Weights License Agreement",
    "openmdw-1.1": "Open Model, Data & Weights License Agreement v1.1",
    "openrail++": "Open Rail++-M License",
    "osl-3.0": "Open Software License 3.0",
    "postgresql": "PostgreSQL License",
    "ofl-1.1": "SIL Open Font License 1.1",
    "ncsa": "University of Illinois/NCSA Open Source License",
    "unlicense": "The Unlicense",
    "zlib": "zLib License",
    "pddl": "Open Data Commons Public Domain Dedication and License",
    "lgpl-lr": "Lesser General Public License For Linguistic Resources",
    "deepfloyd-if-license": "DeepFloyd IF Research License Agreement",
    "fair-noncommercial-research-license": "FAIR Noncommercial Research License",
    "llama2": "Llama 2 Community License Agreement",
    "llama3": "Llama 3 Community License Agreement",
    "llama3.1": "Llama 3.1 Community License Agreement",
    "llama3.2": "Llama 3.2 Community License Agreement",
    "llama3.3": "Llama 3.3 Community License Agreement",
    "llama4": "Llama 4 Community License Agreement",
    "grok2-community": "Grok 2 Community License Agreement",
    "gemma": "Gemma Terms of Use",
    "unknown": "Unknown",
    "other": "Other",
}

_LIBRARIES = """
acestep adapter-transformers allennlp anemoi araclip aviation-ner asteroid audiocraft audioseal bagel-mot bboxmaskpose
ben2 bertopic big_vision bionemo birder birefnet bm25s boltzgen cancertathomev2 cartesia_pytorch cartesia_mlx ccpfn
champ chatterbox chaossim chat_tts chexmix chronos-forecasting clara clipscope cloud-agents collectorvision colipri
cosyvoice cotracker colpali comet cosmos cxr-foundation deepforest depth-anything-v2 depth-pro derm-foundation
describe-anything dia-tts dia2 diff-interpretation-tuning diffree diffusers diffusionkit docking-at-home doctr edsnlp
elm encoderfile espnet eupe fairseq fastai fastprint fasttext fixer flair flextab fme gemma.cpp geometry-crafter gliner
gliner2 glm-tts glyph-byt5 granite-library grok habibi-tts hallo minimax-h3 hermes holomotion hezar htrflow hunyuan-dit
hunyuan3d-2 hunyuanworld-voyager hy-worldplay hy-world-2 image-matching-models imstoucan index-tts infinitetalk
infinite-you intellifold ising-decoding keras tf-keras keras-hub kerasformers kernels kimi-audio kittentts kronos k2
lyra-2.0 lagernvs ltx lightning-ir litert litert-lm lerobot lightglue liveportrait longcat-video-avatar-1.5
llama-cpp-python mini-omni2 mindspore magi-1 magenta-realtime magenta-realtime-2 mamba-ssm manas-1 mars5-tts matanyone
mesh-anything merlin medvae mflux mitie ml-agents ml-sharp mlx mlx-image mlc-llm model2vec mobilint moshi mtvcraft
multimolecule nemo ninfer nobg nv-medtech open-oasis open_clip openasr openpeerllm open-sora outetts paddlenlp PaddleOCR
peft perception-encoder phantom-wan pocket-tts pruna-ai pxia pyannote-audio py-feat pythae quantumpeer qwen3_tts
recurrentgemma relik refiners renderformer reverb rkllm robo-orchard-lab rwkv saelens scail-2 sam2 sam-3d-body
sam-3d-objects same sample-factory sap-rpt-1-oss sapiens sapiens2 seedvr self-forcing sentence-transformers setfit
sklearn spacy span-marker speechbrain ssr-speech stable-audio-3 stable-audio-tools monkeyocr diffusion-single-file
seed-story skala soloaudio songbloom stable-baselines3 stanza supertonic swarmformer synthefy-migas f5-tts genmo
tencent-song-generation tensorflowtts tensorrt tabpfn terratorch tic-clip timesfm timee-ts timm tirex tirex-2 torchgeo
transformers transformers.js trellis trellis2 tunejury ultralytics univa uni-3dar unity-sentis sana videoprism vfi-mamba
vismatch lvface voicecraft voxcpm vui vibevoice videox_fun wan2.2 wham whisperkit yolov10 yolov26 zonos 3dtopia-xl gguf
"""

LIBRARIES = frozenset(_LIBRARIES.split())
"""What `library_name` and a bare tag may name, so that it counts as a library."""

SIZE_CATEGORIES = (
    "n<1K", "1K<n<10K", "10K<n<100K", "100K<n<1M", "1M<n<10M", "10M<n<100M", "100M<n<1B", "1B<n<10B", "10B<n<100B",
    "100B<n<1T", "n>1T", "other",
)  # fmt: skip

SDKS = ("gradio", "docker", "static", "streamlit")
COLORS = ("red", "yellow", "green", "blue", "indigo", "purple", "pink", "gray")
RELATIONS = ("adapter", "finetune", "merge", "quantized")
"""How a model came from its base model."""
