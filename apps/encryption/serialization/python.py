"""The format `python`, with cells."""

from django.core.serializers import python

from apps.encryption.serialization import SealedDeserializer, SealedSerializer


class Serializer(SealedSerializer, python.Serializer):
    pass


class Deserializer(SealedDeserializer, python.Deserializer):
    pass
