"""What schemathesis does not know by itself."""

import schemathesis


@schemathesis.serializer("application/offset+octet-stream")
def part_of_an_upload(ctx, value):
    """The body of tus' PATCH: bytes as they are."""
    return value if isinstance(value, bytes) else str(value).encode()
