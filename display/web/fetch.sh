#!/bin/sh
# fetch.sh: puts noVNC beside the page that uses it, from the npm package of the version and checksum below. Done once per version.
set -eu
version=1.7.0
sha512=ucEJOx4T2avIRCleodk7YobZj5O2Ga2AeLfQ69A/yjG9HHba2+PDgwSkN3FttrmG+70ZGx21sElNFouK13RzyA==
cd "$(dirname "$0")/blob"
[ "$(cat VERSION 2>/dev/null || true)" = "$version" ] && exit 0
command -v npm >/dev/null || { echo "fetch.sh: npm is needed for the page's noVNC: apt-get install npm" >&2; exit 1; }
tmp=$(mktemp -d)
trap 'rm -rf "$tmp"' EXIT
(cd "$tmp" && npm pack --silent "@novnc/novnc@$version" >/dev/null 2>npm.log) || { cat "$tmp/npm.log" >&2; exit 1; }
got=$(openssl dgst -sha512 -binary "$tmp/novnc-novnc-$version.tgz" | base64 -w0)
[ "$got" = "$sha512" ] || { echo "fetch.sh: noVNC $version has the checksum $got, not $sha512" >&2; exit 1; }
tar xzf "$tmp/novnc-novnc-$version.tgz" -C "$tmp"
rm -rf core vendor
cp -r "$tmp/package/core" "$tmp/package/vendor" "$tmp/package/AUTHORS" "$tmp/package/LICENSE.txt" "$tmp"/package/docs/LICENSE.* .
echo "$version" >VERSION
