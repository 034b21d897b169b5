"""The text model beside a language model."""
