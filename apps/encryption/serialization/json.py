"""The format `json`, with cells."""

from django.core.serializers import json

from apps.encryption.serialization import SealedDeserializer, SealedSerializer


class Serializer(SealedSerializer, json.Serializer):
    pass


class Deserializer(SealedDeserializer, json.Deserializer):
    pass
