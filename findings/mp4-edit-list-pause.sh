#!/bin/sh
# Finding: ffmpeg shows film again where an edit list of MP4 asks for a pause.
#
# Version    ffmpeg 7.0.2 (PyPI imageio-ffmpeg 0.6.0, which bundles the program)
# Behaviour  The edit list of a film of 30 frames a second has three edits of 1 s: media time 0, an empty edit (media time -1), media time
#            1 s. 90 frames are decoded, without a gap: the second second shows the 30 frames of the first one once more. Exit 0.
# Expected   60 frames and a gap of 1 s between them: ISO/IEC 14496-12, 8.6.6 calls an edit with media time -1 empty, that is nothing is
#            presented. ffmpeg does so where such an edit comes first.
#
# Needs Python 3 with pip. Fails where the behaviour differs from the numbers below.
set -eu
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
python3 -m pip install --quiet --disable-pip-version-check --root-user-action ignore --target "$dir/packages" imageio-ffmpeg==0.6.0
ffmpeg=$(PYTHONPATH=$dir/packages python3 -c 'import imageio_ffmpeg; print(imageio_ffmpeg.get_ffmpeg_exe())')
cd "$dir"
"$ffmpeg" -version | sed -n '1s/-static .*//p'
"$ffmpeg" -v error -f lavfi -i testsrc2=size=64x64:rate=30:duration=3 -c:v libx264 -preset ultrafast -g 30 film.mp4

# Writes film.mp4 with these edits (length in 1/1000 s, media time in 1/15360 s) as NAME; the boxes around the list grow with it.
cat >edit.py <<'END'
import struct, sys

film = bytearray(open('film.mp4', 'rb').read())
edits = [tuple(map(int, edit.split(','))) for edit in sys.argv[2:]]
assert film.index(b'mdat') < film.index(b'moov'), 'the media does not move'
elst = film.index(b'elst') - 4
old = struct.unpack_from('>I', film, elst)[0]
new = b'elst' + bytes(4) + struct.pack('>I', len(edits)) + b''.join(struct.pack('>IiI', *edit, 0x10000) for edit in edits)
film[elst:elst + old] = struct.pack('>I', len(new) + 4) + new
for box in (b'moov', b'trak', b'edts'):
    at = film.index(box) - 4
    struct.pack_into('>I', film, at, struct.unpack_from('>I', film, at)[0] + len(new) + 4 - old)
open(sys.argv[1], 'wb').write(film)
END
python3 edit.py pause-first.mp4 1000,-1 1000,0 1000,15360
python3 edit.py pause-between.mp4 1000,0 1000,-1 1000,15360

# Time in 1/30 s and checksum of every frame.
frames() { "$ffmpeg" -v error -copyts -i "$1" -fps_mode passthrough -f framecrc - | awk -F', *' '!/^#/ { print $3, $6 }'; }
for name in first between; do
  frames "pause-$name.mp4" >"$name"
  awk -v name="$name" '{ if (NR == 1) from = $1; if (!seen[$2]++) different++; if (NR > 1 && $1 - last > 1) gaps++; last = $1 }
    END { print "pause " name ": " NR " frames, " different " different, from " from / 30 " s, " gaps + 0 " gaps" }' "$name"
done >seen
cat seen
cat >expected <<'END'
pause first: 60 frames, 60 different, from 1 s, 0 gaps
pause between: 90 frames, 60 different, from 0 s, 0 gaps
END
diff expected seen || { echo 'changed: no longer as described'; exit 1; }
echo 'as described'
