"""Sends a file with tuspy: upload.py ENDPOINT TOKEN FILE CHUNK_SIZE [STOP_AFTER_CHUNKS | URL]

With a number it stops after so many chunks; with an address it goes on with that upload. Prints the upload's address.
"""

import sys

from tusclient.client import TusClient

endpoint, token, path, chunk_size = sys.argv[1:5]
rest = sys.argv[5] if len(sys.argv) > 5 else None
client = TusClient(endpoint, headers={"Authorization": f"Bearer {token}"})
url = rest if rest and rest.startswith("http") else None
uploader = client.uploader(
    path,
    url=url,
    chunk_size=int(chunk_size),
    metadata={"filename": "宛先.csv", "column": "メール"},
    upload_checksum=True,
    retries=3,
    retry_delay=0.2,
)
if rest and url is None:
    for _ in range(int(rest)):
        uploader.upload_chunk()
else:
    uploader.upload()
print(uploader.url)
