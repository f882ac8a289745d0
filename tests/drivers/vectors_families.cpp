// The families of devices, and which row belongs to which.
#include <array>

#include "tests/drivers/vectors_words.hpp"

namespace kw::drivers {
namespace {

using namespace vector_words;

constexpr std::array all{
    Family{"SDT", "sam v|sam|samv|sdt|id reader|id card reader", "sdt", sdt_request, sdt_reply,
           sdt_words},
    Family{"F2 card machines", "f2|crt 591|crt 571|crt591|crt571|lintech", "f2", f2_request,
           f2_reply, f2_words},
    Family{"CRT-310", "(02)|crt 310|crt310|m100|crt 284|crt 188|crt", "crt", crt310_request,
           crt310_reply, crt310_words},
    Family{"PC/SC", "pc sc|pcsc|ccid", "pcsc", pcsc_request, pcsc_reply, pcsc_words},
    Family{"ZT588", "zt588|szzt|epp|keypad", "epp", zt588_request, zt588_reply, zt588_words},
    Family{"scanners", "newland|mindeo|honeywell|scanner|barcode", "scn", scanner_request,
           scanner_reply, scanner_words},
    Family{"Modbus", "modbus", "modbus mod mb io", modbus_request, modbus_reply, modbus_words},
    Family{"SNMP", "snmp|printer mib", "snmp", snmp_request, snmp_reply, snmp_words},
    Family{"IPP", "ipp", "ipp", ipp_request, ipp_reply, ipp_words},
    Family{"PJL", "pjl", "pjl", pjl_request, pjl_reply, pjl_words},
    Family{"NUT", "nut|ups|upsd", "nut ups", nut_request, nut_reply, nut_words},
    Family{"USB printer class", "usb printer|printer class|usb class|ieee 1284", "usb",
           usb_printer_request, usb_printer_reply, usb_printer_words},
    Family{"Star", "star", "star", star_request, star_reply, receipt_words},
    Family{
        "ESC/POS",
        "esc "
        "pos|escpos|epson|snbc|custom|better|sprt|bixolon|hprt|citizen|axiohm|receipt|thermal|kpm",
        "esc escpos pos prt", escpos_request, escpos_reply, receipt_words},
};

}  // namespace

std::span<const Family> families() { return all; }

}  // namespace kw::drivers
