#!/bin/sh
# Finding: mp4box parses an hvcC box of a valid file and writes another one.
#
# Version    mp4box 2.4.1 (npm); the file is made by ffmpeg 7.0.2 (PyPI imageio-ffmpeg 0.6.0) with libx265
# Behaviour  `box.write()` of the parsed, unchanged hvcC clears the four reserved bits before `min_spatial_segmentation_idc`, which
#            ISO/IEC 14496-15 sets to 1111: byte 13 is f0 in the file and 00 when written. All other bytes are equal.
# Expected   bytes equal to those that were read: a remux by the library should not change the decoder configuration
#
# Needs Python 3 with pip, and Node 20 or newer with npm. Fails where the behaviour differs from the bytes below.
set -eu
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
python3 -m pip install --quiet --disable-pip-version-check --root-user-action ignore --target "$dir/packages" imageio-ffmpeg==0.6.0
ffmpeg=$(PYTHONPATH=$dir/packages python3 -c 'import imageio_ffmpeg; print(imageio_ffmpeg.get_ffmpeg_exe())')
npm install --silent --no-audit --no-fund --prefix "$dir" mp4box@2.4.1
cd "$dir"
"$ffmpeg" -v error -f lavfi -i testsrc2=size=64x64:rate=25:duration=1 \
  -c:v libx265 -preset ultrafast -x265-params log-level=none -tag:v hvc1 film.mp4

cat >write.mjs <<'END'
import { readFileSync } from 'node:fs'
import { createFile, DataStream, MP4BoxBuffer } from 'mp4box'

const bytes = readFileSync('film.mp4')
const buffer = new MP4BoxBuffer(bytes.length)
new Uint8Array(buffer).set(bytes)
buffer.fileStart = 0
const file = createFile()
file.appendBuffer(buffer, true)
const [box] = file.getBoxes('hvcC', true)
const read = bytes.subarray(box.start + box.hdr_size, box.start + box.size)
const stream = new DataStream(undefined, 0, 1)
box.write(stream)
const written = Buffer.from(stream.buffer).subarray(8, 8 + read.length)
const different = [...read.keys()].filter((at) => read[at] !== written[at])
console.log(`read     ${read.toString('hex', 0, 23)}`)
console.log(`written  ${written.toString('hex', 0, 23)}`)
console.log(`bytes that differ: ${different.map((at) => `${at} (${read[at].toString(16)} -> ${written[at].toString(16)})`)}`)
END
node write.mjs | tee seen
cat >expected <<'END'
read     0101600000009000000000001ef000fcfdf8f800000f04
written  0101600000009000000000001e0000fcfdf8f800000f04
bytes that differ: 13 (f0 -> 0)
END
diff expected seen || { echo 'changed: no longer as described'; exit 1; }
echo 'as described'
