// SHA-256 (FIPS 180-4), HMAC (RFC 2104) and base64url, for tokens.
#include <string.h>

#include "filter.h"

enum { kBlock = 64, kDigest = 32 };

typedef struct {
  uint32_t state[8];
  uint8_t block[kBlock];
  uint64_t size;
} Hash;

static const uint32_t kRound[64] = {
    0x428a2f98, 0x71374491, 0xb5c0fbcf, 0xe9b5dba5, 0x3956c25b, 0x59f111f1, 0x923f82a4, 0xab1c5ed5,
    0xd807aa98, 0x12835b01, 0x243185be, 0x550c7dc3, 0x72be5d74, 0x80deb1fe, 0x9bdc06a7, 0xc19bf174,
    0xe49b69c1, 0xefbe4786, 0x0fc19dc6, 0x240ca1cc, 0x2de92c6f, 0x4a7484aa, 0x5cb0a9dc, 0x76f988da,
    0x983e5152, 0xa831c66d, 0xb00327c8, 0xbf597fc7, 0xc6e00bf3, 0xd5a79147, 0x06ca6351, 0x14292967,
    0x27b70a85, 0x2e1b2138, 0x4d2c6dfc, 0x53380d13, 0x650a7354, 0x766a0abb, 0x81c2c92e, 0x92722c85,
    0xa2bfe8a1, 0xa81a664b, 0xc24b8b70, 0xc76c51a3, 0xd192e819, 0xd6990624, 0xf40e3585, 0x106aa070,
    0x19a4c116, 0x1e376c08, 0x2748774c, 0x34b0bcb5, 0x391c0cb3, 0x4ed8aa4a, 0x5b9cca4f, 0x682e6ff3,
    0x748f82ee, 0x78a5636f, 0x84c87814, 0x8cc70208, 0x90befffa, 0xa4506ceb, 0xbef9a3f7, 0xc67178f2};

static uint32_t turn(uint32_t word, int bits) { return word >> bits | word << (32 - bits); }

static void compress(Hash* hash) {
  uint32_t w[64];
  for (int i = 0; i < 16; i++) {
    const uint8_t* at = hash->block + 4 * i;
    w[i] = (uint32_t)at[0] << 24 | (uint32_t)at[1] << 16 | (uint32_t)at[2] << 8 | at[3];
  }
  for (int i = 16; i < 64; i++) {
    uint32_t low = turn(w[i - 15], 7) ^ turn(w[i - 15], 18) ^ w[i - 15] >> 3;
    uint32_t high = turn(w[i - 2], 17) ^ turn(w[i - 2], 19) ^ w[i - 2] >> 10;
    w[i] = w[i - 16] + low + w[i - 7] + high;
  }
  uint32_t s[8];
  memcpy(s, hash->state, sizeof s);
  for (int i = 0; i < 64; i++) {
    uint32_t choice = (s[4] & s[5]) ^ (~s[4] & s[6]);
    uint32_t most = (s[0] & s[1]) ^ (s[0] & s[2]) ^ (s[1] & s[2]);
    uint32_t one =
        s[7] + (turn(s[4], 6) ^ turn(s[4], 11) ^ turn(s[4], 25)) + choice + kRound[i] + w[i];
    uint32_t two = (turn(s[0], 2) ^ turn(s[0], 13) ^ turn(s[0], 22)) + most;
    memmove(s + 1, s, 7 * sizeof *s);
    s[4] += one;
    s[0] = one + two;
  }
  for (int i = 0; i < 8; i++) hash->state[i] += s[i];
}

static void start(Hash* hash) {
  static const uint32_t kStart[8] = {0x6a09e667, 0xbb67ae85, 0x3c6ef372, 0xa54ff53a,
                                     0x510e527f, 0x9b05688c, 0x1f83d9ab, 0x5be0cd19};
  memcpy(hash->state, kStart, sizeof kStart);
  hash->size = 0;
}

static void add(Hash* hash, const uint8_t* bytes, size_t size) {
  for (size_t i = 0; i < size; i++) {
    hash->block[hash->size++ % kBlock] = bytes[i];
    if (hash->size % kBlock == 0) compress(hash);
  }
}

static void finish(Hash* hash, uint8_t out[kDigest]) {
  uint64_t bits = hash->size * 8;
  uint8_t byte = 0x80;
  do {
    add(hash, &byte, 1);
    byte = 0;
  } while (hash->size % kBlock != kBlock - 8);
  for (int i = 7; i >= 0; i--) {
    byte = (uint8_t)(bits >> (8 * i));
    add(hash, &byte, 1);
  }
  for (int i = 0; i < kDigest; i++) out[i] = (uint8_t)(hash->state[i / 4] >> (24 - 8 * (i % 4)));
}

void hmac_sha256(Text key, Text message, uint8_t out[kDigest]) {
  uint8_t padded[kBlock] = {0};
  Hash hash;
  if (key.len > kBlock) {
    start(&hash);
    add(&hash, key.ptr, key.len);
    finish(&hash, padded);
  } else {
    memcpy(padded, key.ptr, key.len);
  }
  for (int i = 0; i < kBlock; i++) padded[i] ^= 0x36;
  start(&hash);
  add(&hash, padded, kBlock);
  add(&hash, message.ptr, message.len);
  finish(&hash, out);
  for (int i = 0; i < kBlock; i++) padded[i] ^= 0x36 ^ 0x5c;
  start(&hash);
  add(&hash, padded, kBlock);
  add(&hash, out, kDigest);
  finish(&hash, out);
}

static int digit(uint8_t c) {
  if (c >= 'A' && c <= 'Z') return c - 'A';
  if (c >= 'a' && c <= 'z') return c - 'a' + 26;
  if (c >= '0' && c <= '9') return c - '0' + 52;
  return c == '-' ? 62 : c == '_' ? 63 : -1;
}

bool base64url(Text* text) {
  uint32_t bits = 0;
  size_t size = 0;
  for (size_t i = 0; i < text->len; i++) {
    int value = digit(text->ptr[i]);
    if (value < 0) return false;
    bits = bits << 6 | (uint32_t)value;
    if (i % 4 != 0) text->ptr[size++] = (uint8_t)(bits >> (6 - 2 * (i % 4)));
  }
  if (text->len % 4 == 1) return false;
  text->len = size;
  return true;
}
