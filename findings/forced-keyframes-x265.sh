#!/bin/sh
# Finding: ffmpeg with libx265 makes only some of the keyframes that are forced, where they are less than a second apart.
#
# Version    ffmpeg 7.0.2 (PyPI imageio-ffmpeg 0.6.0, which bundles the program)
# Behaviour  6 s at 25 fps, with a keyframe forced every half second. libx264 makes all 12. libx265 makes 6: a forced picture that is nearer to
#            the last keyframe than its `min-keyint` (25 here, as it follows from the rate) becomes one that no player can start at. There is
#            no warning, and ffmpeg exits with 0. With `min-keyint=1`, or ffmpeg's `-forced-idr 1`, all 12 are there.
# Expected   a keyframe where one is forced, as ffmpeg documents of -force_key_frames, or a warning
#
# Needs Python 3 with pip. Fails where the behaviour differs from the lines below.
set -eu
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
python3 -m pip install --quiet --disable-pip-version-check --root-user-action ignore --target "$dir/packages" imageio-ffmpeg==0.6.0
ffmpeg=$(PYTHONPATH=$dir/packages python3 -c 'import imageio_ffmpeg; print(imageio_ffmpeg.get_ffmpeg_exe())')
cd "$dir"
"$ffmpeg" -version | sed -n '1s/-static .*//p'

# The number of pictures that are left where only keyframes are decoded.
keys() { "$ffmpeg" -v error -skip_frame nokey -i "$1" -fps_mode passthrough -f framecrc - </dev/null | grep -vc '^#'; }

while read -r name options; do
  # shellcheck disable=SC2086
  "$ffmpeg" -v error -f lavfi -i testsrc2=size=320x180:rate=25:duration=6 -c:v $options \
    -force_key_frames 'expr:gte(t,n_forced*0.5)' "$name.mp4" </dev/null 2>log
  test ! -s log || sed 's/^/log: /' log
  echo "$name: $(keys "$name.mp4") keyframes"
done <<'END' | tee seen
x264 libx264 -preset ultrafast -g 1000 -sc_threshold 0
x265 libx265 -preset ultrafast -g 1000 -x265-params log-level=error:scenecut=0:open-gop=0
x265-min-keyint libx265 -preset ultrafast -g 1000 -x265-params log-level=error:scenecut=0:open-gop=0:min-keyint=1
x265-forced-idr libx265 -preset ultrafast -g 1000 -forced-idr 1 -x265-params log-level=error:scenecut=0:open-gop=0
END
printf '%s\n' 'x264: 12 keyframes' 'x265: 6 keyframes' 'x265-min-keyint: 12 keyframes' 'x265-forced-idr: 12 keyframes' | cmp - seen
echo 'as described'
