"""The few words that documentation adds to a text by itself, in the language of that text."""

from __future__ import annotations

_CHINESE = {
    "Note": "说明",
    "Tip": "提示",
    "Important": "重要",
    "Warning": "警告",
    "Caution": "注意",
    "Parameters": "参数",
    "Attributes": "属性",
    "Raises": "异常",
    "Returns": "返回",
    "Yields": "产出",
    "Example": "示例",
    "References": "参考",
    "source": "源代码",
    "Diagram, as Mermaid source": "图表（Mermaid 源码）",
    "Video on YouTube": "YouTube 视频",
    "Open as a notebook": "以 notebook 打开",
    "Source of this page": "本页源文件",
    "Added in version {version}": "新增于版本 {version}",
    "Changed in version {version}": "变更于版本 {version}",
    "Deprecated since version {version}": "自版本 {version} 起弃用",
    "An inference example for hosted providers stands here elsewhere.": "此处原为托管服务商的推理示例。",
    "Models for this task": "该任务的模型",
    "right": "正确",
    "wrong": "错误",
    "No such object: {name}": "没有这个对象：{name}",
}


def say(language: str, english: str, **named: str) -> str:
    """Return a word in the language of a text; English where there is no other."""
    said = _CHINESE.get(english, english) if language.startswith("zh") else english
    return said.format(**named) if named else said
