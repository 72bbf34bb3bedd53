#!/bin/sh
# Finding: the level that ffmpeg's libaom encoder writes into AV1 follows from the time base of the encoder, not from the frame rate.
#
# Version    ffmpeg 9.0.2 (PyPI imageio-ffmpeg 0.8.1, which bundles the program)
# Behaviour  1280x720 at 60 fps, encoded with the time base that ffmpeg takes by itself, 1/60, is AV1 level 4.0 (index 8). The same pictures
#            at the same times with a time base of 1/15360, as a film of a variable rate needs it, are level 3.1 (index 5), which allows 31.9
#            million samples a second: the film has 55.3. libaom takes time bases finer than 1/180 for 30 pictures a second. A level that is
#            asked for (`-aom-params target-seq-level-idx=8`) is taken without a word, and is not written either. There is no warning.
# Expected   the level of the frame rate, which ffmpeg knows; at least where a level is given
#
# Needs Python 3 with pip. Fails where the behaviour differs from the lines below.
set -eu
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
python3 -m pip install --quiet --disable-pip-version-check --root-user-action ignore --target "$dir/packages" imageio-ffmpeg==0.8.1
ffmpeg=$(PYTHONPATH=$dir/packages python3 -c 'import imageio_ffmpeg; print(imageio_ffmpeg.get_ffmpeg_exe())')
cd "$dir"
"$ffmpeg" -version | sed -n '1s/-.*//p'

# The index of the level in the first sequence header.
level() { "$ffmpeg" -v info -i "$1" -c copy -bsf:v trace_headers -f null - </dev/null 2>&1 | sed -n 's/.* seq_level_idx\[0\].* = \([0-9]*\)$/\1/p' | sed 1q; }

while read -r name options; do
  # shellcheck disable=SC2086
  "$ffmpeg" -v error -f lavfi -i testsrc2=size=1280x720:rate=60:duration=0.2 -c:v libaom-av1 -usage realtime -cpu-used 8 -crf 40 $options "$name.mp4" </dev/null 2>log
  test ! -s log || sed 's/^/log: /' log
  echo "$name: level index $(level "$name.mp4")"
done <<'END' | tee seen
usual -threads 1
fine -threads 1 -enc_time_base 1:15360
asked -threads 1 -enc_time_base 1:15360 -aom-params target-seq-level-idx=8
END
printf '%s\n' 'usual: level index 8' 'fine: level index 5' 'asked: level index 5' | cmp - seen
echo 'as described'
