#include "base/fnv.h"

#include <gtest/gtest.h>

namespace duet {
namespace {

// Values of its authors' test vectors. Names of pods and marks of objects are made of it: it must
// stay what it is.
TEST(Fnv1a, IsTheOneThatIsPublished) {
  EXPECT_EQ(fnv1a(""), 0xcbf29ce484222325U);
  EXPECT_EQ(fnv1a("a"), 0xaf63dc4c8601ec8cU);
  EXPECT_EQ(fnv1a("foobar"), 0x85944171f73967e8U);
}

TEST(Fnv1a, GoesOnFromWhatStoodBefore) { EXPECT_EQ(fnv1a("bar", fnv1a("foo")), fnv1a("foobar")); }

}  // namespace
}  // namespace duet
