#!/bin/sh
# Finding: a stream copy of Opus out of WebM does not keep its length in every container.
#
# Version    ffmpeg 7.0.2 (PyPI imageio-ffmpeg 0.6.0, which bundles the program)
# Behaviour  3 s of Opus at 48 kHz decode to 144000 samples from the WebM that ffmpeg wrote, and from the Ogg that it wrote itself.
#            `-c copy` from that WebM into Matroska keeps them. Into Ogg and NUT it gives 144648 samples: the last packet is decoded
#            whole, as the trimming of its end (DiscardPadding in Matroska) is not carried over. Exit 0, no message.
# Expected   a stream copy into Ogg that decodes to the same samples, as Ogg can express the length and ffmpeg writes it when it encodes
#
# Needs Python 3 with pip. Fails where the behaviour differs from the numbers below.
set -eu
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
python3 -m pip install --quiet --disable-pip-version-check --root-user-action ignore --target "$dir/packages" imageio-ffmpeg==0.6.0
ffmpeg=$(PYTHONPATH=$dir/packages python3 -c 'import imageio_ffmpeg; print(imageio_ffmpeg.get_ffmpeg_exe())')
cd "$dir"
"$ffmpeg" -version | sed -n '1s/-static .*//p'

for container in webm ogg; do
  "$ffmpeg" -v error -f lavfi -i sine=440:duration=3:sample_rate=48000 -c:a libopus "encoded.$container"
done
for container in mkv ogg nut; do
  "$ffmpeg" -v error -i encoded.webm -c copy "copied.$container"
done

for file in encoded.webm encoded.ogg copied.mkv copied.ogg copied.nut; do
  samples=$("$ffmpeg" -v error -i "$file" -f framecrc - | awk -F, '!/^#/ { sum += $4 } END { print sum }')
  echo "$file $samples"
done >seen
cat seen
cat >expected <<'END'
encoded.webm 144000
encoded.ogg 144000
copied.mkv 144000
copied.ogg 144648
copied.nut 144648
END
diff expected seen || { echo 'changed: no longer as described'; exit 1; }
echo 'as described'
