"""The format `jsonl`, with cells."""

from django.core.serializers import jsonl

from apps.encryption.serialization import SealedDeserializer, SealedSerializer


class Serializer(SealedSerializer, jsonl.Serializer):
    pass


class Deserializer(SealedDeserializer, jsonl.Deserializer):
    pass
