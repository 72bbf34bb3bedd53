#!/bin/sh
# Finding: with libaom ffmpeg makes the picture after each forced keyframe a keyframe too, except in realtime mode.
#
# Version    ffmpeg 7.0.2 (PyPI imageio-ffmpeg 0.6.0, which bundles the program)
# Behaviour  3 s at 25 fps, with a keyframe forced every second. In its default mode (`-usage good`) libaom codes pictures 0,
#            1, 25, 26, 50 and 51 as keyframes, each second one for nothing. With `-usage realtime`, and where libaom sets them itself at a
#            regular distance (`-g 25 -keyint_min 25`), they are 0, 25 and 50. There is no warning.
# Expected   keyframes where they are forced, as from other encoders
#
# Needs Python 3 with pip. Fails where the behaviour differs from the lines below.
set -eu
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
python3 -m pip install --quiet --disable-pip-version-check --root-user-action ignore --target "$dir/packages" imageio-ffmpeg==0.6.0
ffmpeg=$(PYTHONPATH=$dir/packages python3 -c 'import imageio_ffmpeg; print(imageio_ffmpeg.get_ffmpeg_exe())')
cd "$dir"
"$ffmpeg" -version | sed -n '1s/-static .*//p'

# The numbers of the pictures that are keyframes.
keys() { "$ffmpeg" -v error -i "$1" -c copy -bsf:v 'noise=drop=not(key)' -f framecrc - </dev/null | sed -n 's/^0, *[0-9-]*, *\([0-9]*\),.*/\1/p' | tr '\n' ' '; }

while read -r name options; do
  # shellcheck disable=SC2086
  "$ffmpeg" -v error -f lavfi -i testsrc2=size=160x90:rate=25:duration=3 -c:v libaom-av1 -crf 40 -cpu-used 8 $options -video_track_timescale 25 "$name.mp4" </dev/null 2>log
  test ! -s log || sed 's/^/log: /' log
  echo "$name: $(keys "$name.mp4")"
done <<'END' | tee seen
good -usage good -g 1000 -force_key_frames expr:gte(t,n_forced)
regular -usage good -g 25 -keyint_min 25
realtime -usage realtime -g 1000 -force_key_frames expr:gte(t,n_forced)
END
printf '%s\n' 'good: 0 1 25 26 50 51 ' 'regular: 0 25 50 ' 'realtime: 0 25 50 ' | cmp - seen
echo 'as described'
