#!/bin/sh
# Finding: ffmpeg loses the palette of an AVI or MOV when it seeks.
#
# Version    ffmpeg 7.0.2 (PyPI imageio-ffmpeg 0.6.0, which bundles the program)
# Behaviour  Uncompressed pictures with a palette, 2 a second for 12 s. Read from the beginning, and after `-ss 10`, the same four last
#            pictures have other colors, in AVI and in MOV. There is no warning, and ffmpeg exits with 0. QuickTime Animation with a palette
#            in MOV is the same both ways, as is PNG with a palette, whose pictures hold it.
# Expected   the same pictures: the palette is a fact of the track, in the header of the file
#
# Needs Python 3 with pip. Fails where the behaviour differs from the lines below.
set -eu
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
python3 -m pip install --quiet --disable-pip-version-check --root-user-action ignore --target "$dir/packages" imageio-ffmpeg==0.6.0
ffmpeg=$(PYTHONPATH=$dir/packages python3 -c 'import imageio_ffmpeg; print(imageio_ffmpeg.get_ffmpeg_exe())')
cd "$dir"
"$ffmpeg" -version | sed -n '1s/-static .*//p'

# The checksums of the four last pictures in RGB.
last() { "$ffmpeg" -v error "$@" -map 0:v -vf format=rgb24 -f framemd5 - | awk '!/^#/ { print $NF }' | tail -n 4; }

while read -r codec file; do
  "$ffmpeg" -v error -f lavfi -i testsrc2=size=320x180:rate=2:duration=12 \
    -vf 'split[a][b];[a]palettegen[p];[b][p]paletteuse' -c:v "$codec" -pix_fmt pal8 "$file" </dev/null
  last -i "$file" >whole </dev/null
  last -ss 10 -i "$file" >after </dev/null
  test "$(wc -l <whole)" = 4 && test "$(wc -l <after)" = 4
  if cmp -s whole after; then echo "$codec in $file: the same"; else echo "$codec in $file: other colors"; fi
done <<'END' | tee seen
rawvideo raw.avi
rawvideo raw.mov
qtrle animation.mov
png png.mov
END
printf '%s\n' 'rawvideo in raw.avi: other colors' 'rawvideo in raw.mov: other colors' 'qtrle in animation.mov: the same' \
  'png in png.mov: the same' | cmp - seen
echo 'as described'
