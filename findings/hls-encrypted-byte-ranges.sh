#!/bin/sh
# Finding: ffmpeg does not read encrypted HLS segments that are byte ranges of one file.
#
# Version    ffmpeg 7.0.2 (PyPI imageio-ffmpeg 0.6.0, which bundles the program)
# Behaviour  Two segments of fragmented MP4, each encrypted with AES-128 and its number as IV. As files of their own, all 100 pictures are
#            read. As ranges of one file (EXT-X-BYTERANGE, the same bytes), none is. Without encryption the same ranges are read.
# Expected   100 pictures each time: RFC 8216 §5.2 encrypts a media segment, and §4.3.2.2 makes a byte range one. hls.js decrypts each range by itself.
#
# Needs Python 3 with pip, and openssl. Fails where the behaviour differs from the numbers below.
set -eu
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
python3 -m pip install --quiet --disable-pip-version-check --root-user-action ignore --target "$dir/packages" imageio-ffmpeg==0.6.0
ffmpeg=$(PYTHONPATH=$dir/packages python3 -c 'import imageio_ffmpeg; print(imageio_ffmpeg.get_ffmpeg_exe())')
cd "$dir"
"$ffmpeg" -version | sed -n '1s/-static .*//p'

"$ffmpeg" -v error -f lavfi -i testsrc2=size=160x90:rate=25:duration=4 -c:v libx264 -preset ultrafast -g 50 \
  -f hls -hls_time 2 -hls_playlist_type vod -hls_segment_type fmp4 -hls_segment_filename '%d.m4s' plain.m3u8
key=000102030405060708090a0b0c0d0e0f
printf '\000\001\002\003\004\005\006\007\010\011\012\013\014\015\016\017' >key.bin
for number in 0 1; do
  openssl enc -aes-128-cbc -K "$key" -iv "$(printf '%032x' "$number")" -in "$number.m4s" -out "locked-$number.m4s"
done
cat init.mp4 0.m4s 1.m4s >whole.mp4
cat init.mp4 locked-0.m4s locked-1.m4s >locked.mp4

size() { wc -c <"$1" | tr -d ' '; }
head='#EXTM3U\n#EXT-X-VERSION:7\n#EXT-X-PLAYLIST-TYPE:VOD\n#EXT-X-TARGETDURATION:2\n#EXT-X-MEDIA-SEQUENCE:0\n'
lock='#EXT-X-KEY:METHOD=AES-128,URI="key.bin"\n'
printf "$head"'#EXT-X-MAP:URI="init.mp4"\n'"$lock"'#EXTINF:2,\nlocked-0.m4s\n#EXTINF:2,\nlocked-1.m4s\n#EXT-X-ENDLIST\n' >files.m3u8
ranges() {
  first=$(size init.mp4)
  printf "$head"'#EXT-X-MAP:URI="%s",BYTERANGE="%d@0"\n'"$2" "$1" "$first"
  for number in 0 1; do
    printf '#EXTINF:2,\n#EXT-X-BYTERANGE:%d@%d\n%s\n' "$(size "$3$number.m4s")" "$first" "$1"
    first=$((first + $(size "$3$number.m4s")))
  done
  printf '#EXT-X-ENDLIST\n'
}
ranges whole.mp4 '' '' >plain-ranges.m3u8
ranges locked.mp4 "$lock" locked- >locked-ranges.m3u8

for list in files plain-ranges locked-ranges; do
  frames=$("$ffmpeg" -v quiet -allowed_extensions ALL -i "$list.m3u8" -f framemd5 - | grep -vc '^#' || true)
  echo "$list $frames"
done >seen
cat seen
cat >expected <<'END'
files 100
plain-ranges 100
locked-ranges 0
END
diff expected seen || { echo 'changed: no longer as described'; exit 1; }
echo 'as described'
