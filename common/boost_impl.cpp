// Asio and Beast, compiled once (BOOST_ASIO_SEPARATE_COMPILATION,
// BOOST_BEAST_SEPARATE_COMPILATION).
#include <boost/asio/impl/src.hpp>

// Beast's parser of chunked bodies asserts that the end of an empty body comes at once: the bytes
// "0\r\n", then "\r" alone would end the program, whoever sent them. What it does without the
// assertion is right (it waits for more).
#define BOOST_DISABLE_ASSERTS
#include <boost/beast/src.hpp>
