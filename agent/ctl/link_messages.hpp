#pragma once

#include "agent/ctl/check.hpp"

// What `kioskctl link` says to a technician; {} is filled in by fmt.
namespace kw::agent::ctl::message {

// ---- identity
inline constexpr Finding link_not_enrolled{
    "not-enrolled",
    {"本机尚未注册", "this kiosk is not enrolled"},
    {"向采集服务器管理员索取注册令牌，然后执行 kiosk-agent enroll --server https://主机:端口 "
     "--token 令牌",
     "ask the collector's administrator for a token, then run kiosk-agent enroll --server "
     "https://HOST:PORT --token TOKEN"}};
inline constexpr Finding link_no_rights{"no-rights",
                                        {"无权读取本机身份：{}", "cannot read the identity: {}"},
                                        {"以管理员身份重新执行：sudo kioskctl link",
                                         "run it as the administrator: sudo kioskctl link"}};
inline constexpr Finding link_identity_broken{
    "identity-broken",
    {"本机身份文件不可用：{}", "the identity files cannot be used: {}"},
    {"用新令牌重新注册：kiosk-agent enroll --force …",
     "enrol again with a new token: kiosk-agent enroll --force …"}};

// ---- dns
inline constexpr Finding link_no_such_name{
    "name-not-found",
    {"找不到主机名 {}：{}", "there is no host named {}: {}"},
    {"核对采集服务器的名称；名称无误时请网络管理员检查本机的 DNS 设置",
     "check the collector's name; if it is right, have the network administrator look at this "
     "kiosk's DNS settings"}};
inline constexpr Finding link_dns_silent{
    "dns-silent",
    {"DNS 服务器在 {} 内没有应答", "the DNS server did not answer within {}"},
    {"检查网线和网络设置（IP、网关、DNS），或请网络管理员处理",
     "check the cable and the network settings (address, gateway, DNS), or call the network "
     "administrator"}};

// ---- tcp
inline constexpr Finding link_port_closed{
    "port-closed",
    {"{} 拒绝连接：该端口没有服务在监听",
     "{} refuses the connection: nothing listens on this port"},
    {"核对端口号；请采集服务器管理员确认 kiosk-collector 正在运行、防火墙放行该端口",
     "check the port number; ask the collector's administrator whether kiosk-collector runs and "
     "the firewall lets this port through"}};
inline constexpr Finding link_silent{
    "no-answer",
    {"{} 在 {} 内没有任何应答", "{} did not answer at all within {}"},
    {"多半是防火墙丢弃了数据包，或地址有误、服务器断网：请网络管理员放行到该地址和端口的 TCP 连接",
     "most likely a firewall drops it, or the address is wrong or the server is off the network: "
     "have the network administrator allow TCP to this address and port"}};
inline constexpr Finding link_unreachable{
    "unreachable",
    {"无法到达 {}：{}", "{} cannot be reached: {}"},
    {"检查本机网线、网络设置和网关", "check this kiosk's cable, network settings and gateway"}};

// ---- tls
inline constexpr Finding link_tls_silent{
    "tls-silent",
    {"端口接受了连接，但 TLS 握手在 {} 内没有应答",
     "the port takes the connection but does not answer the TLS handshake within {}"},
    {"核对端口号；可能是防火墙拦截 TLS 或采集服务器过载，请联系管理员",
     "check the port number; a firewall may block TLS or the collector may be overloaded: call "
     "the administrator"}};
inline constexpr Finding link_not_tls{
    "not-tls",
    {"该端口不是 TLS 服务：{}", "this port does not speak TLS: {}"},
    {"核对端口号：这里应是采集服务器的终端端口，而不是网页端口",
     "check the port number: it must be the collector's port for agents, not the one for "
     "people"}};
inline constexpr Finding link_wrong_ca{
    "wrong-ca",
    {"服务器证书（{}）由别的 CA 签发，本机不信任：{}",
     "the server's certificate ({}) is signed by a CA that this kiosk does not trust: {}"},
    {"对方可能不是本机的采集服务器，或中间有设备在解密 TLS；若采集服务器更换过 "
     "CA，请用新令牌重新注册",
     "this may not be your collector, or a device between opens TLS; if the collector's CA was "
     "replaced, enrol again with a new token"}};
inline constexpr Finding link_wrong_name{
    "wrong-name",
    {"服务器证书（{}）不是签给 {} 的", "the server's certificate ({}) is not made out to {}"},
    {"用证书里的名称访问，或请采集服务器管理员重新签发包含该名称的证书",
     "use a name that is in the certificate, or have the collector's administrator issue one "
     "that carries this name"}};
inline constexpr Finding link_no_tunnel{
    "proxy-refused",
    {"HTTP 代理未打开到采集服务器的通道：{}", "the HTTP proxy opens no way to the collector: {}"},
    {"核对 agent.toml 中的 proxy（地址、用户名、密码），并请代理管理员允许 CONNECT 到采集服务器",
     "check proxy in agent.toml (address, user, password), and have the proxy's administrator "
     "allow CONNECT to the collector"}};
inline constexpr Finding link_tls_failed{
    "tls-failed",
    {"TLS 握手失败：{}", "the TLS handshake failed: {}"},
    {"若反复出现，请把这一行发给采集服务器管理员",
     "if it happens again, send this line to the collector's administrator"}};

// ---- certificate
inline constexpr Finding link_clock_wrong{
    "clock-wrong",
    {"本机时钟{} {}：本机 {}，采集服务器 {}；证书本身没有问题",
     "this kiosk's clock is {} by {}: kiosk {}, collector {}; the certificates themselves are in "
     "order"},
    {"校正系统时间（启用自动对时 NTP）；主板电池耗尽也会这样",
     "set the system's clock and switch on time synchronisation (NTP); an empty mainboard battery "
     "does this too"}};
inline constexpr Finding link_clock_drift{
    "clock-drift",
    {"本机时钟{} {}", "this kiosk's clock is {} by {}"},
    {"启用自动对时（NTP）", "switch on time synchronisation (NTP)"}};
inline constexpr Finding link_server_expired{
    "server-expired",
    {"采集服务器的证书已于 {} 过期（{}前）", "the collector's certificate ended on {} ({} ago)"},
    {"请采集服务器管理员更换证书；本机无需操作",
     "the collector's administrator must renew it; nothing to do on this kiosk"}};
inline constexpr Finding link_server_not_yet{
    "server-not-yet",
    {"采集服务器的证书要到 {} 才生效（还有 {}）",
     "the collector's certificate is not valid before {} (in {})"},
    {"请采集服务器管理员检查服务器时钟和证书",
     "the collector's administrator must check the collector's clock and certificate"}};
inline constexpr Finding link_own_expired{
    "own-expired",
    {"本机证书已于 {} 过期（{}前）", "this kiosk's certificate ended on {} ({} ago)"},
    {"用新令牌重新注册：kiosk-agent enroll --force …",
     "enrol again with a new token: kiosk-agent enroll --force …"}};
inline constexpr Finding link_own_not_yet{
    "own-not-yet",
    {"本机证书要到 {} 才生效（还有 {}）",
     "this kiosk's certificate is not valid before {} (in {})"},
    {"请采集服务器管理员检查签发证书的服务器时钟",
     "the collector's administrator must check the clock of the server that issued it"}};
inline constexpr Finding link_own_ends_soon{
    "own-ends-soon",
    {"本机证书将于 {} 到期（还有 {}）", "this kiosk's certificate ends on {} (in {})"},
    {"kiosk-agent 应会自动续期；若到期前一天仍未续期，请重新注册",
     "kiosk-agent should renew it by itself; if it has not a day before, enrol again"}};

// ---- websocket: what the collector says to this kiosk's certificate
inline constexpr Finding link_revoked{
    "revoked",
    {"采集服务器已吊销本机证书：{}", "the collector has revoked this kiosk's certificate: {}"},
    {"向采集服务器管理员确认原因；如本机应继续使用，索取新令牌并执行 kiosk-agent enroll --force …",
     "ask the collector's administrator why; if this kiosk is to stay, get a new token and run "
     "kiosk-agent enroll --force …"}};
inline constexpr Finding link_superseded{
    "superseded",
    {"本终端已有更新的证书，本机用的是旧的：{}",
     "a newer certificate of this terminal is in use, this kiosk has an old one: {}"},
    {"检查是否有另一台主机用同一终端编号注册，或本机被还原到旧镜像；确认后用新令牌重新注册",
     "find out whether another host was enrolled as this terminal, or this one restored from an "
     "old image; then enrol again with a new token"}};
inline constexpr Finding link_unknown_certificate{
    "unknown-certificate",
    {"采集服务器不认识本机证书：{}", "the collector does not know this kiosk's certificate: {}"},
    {"核对是否连到了正确的采集服务器；若它是从备份恢复的，用新令牌重新注册",
     "check that this is the right collector; if it was restored from a backup, enrol again with "
     "a new token"}};
inline constexpr Finding link_wrong_terminal{
    "wrong-terminal",
    {"证书与终端编号不符：{}", "the certificate names another terminal: {}"},
    {"用新令牌重新注册：kiosk-agent enroll --force …",
     "enrol again with a new token: kiosk-agent enroll --force …"}};
inline constexpr Finding link_certificate_refused{
    "certificate-refused",
    {"采集服务器拒绝本机证书：{}", "the collector refuses this kiosk's certificate: {}"},
    {"用新令牌重新注册：kiosk-agent enroll --force …",
     "enrol again with a new token: kiosk-agent enroll --force …"}};
inline constexpr Finding link_busy{
    "collector-busy",
    {"采集服务器正忙：{}", "the collector has no room now: {}"},
    {"稍候几分钟；事件保存在本机，不会丢失",
     "wait a few minutes; events are kept on this kiosk, nothing is lost"}};
// ---- websocket: the upgrade itself
inline constexpr Finding link_websocket_silent{
    "websocket-silent",
    {"升级到 WebSocket 时没有应答：{}", "no answer to the WebSocket upgrade: {}"},
    {"请采集服务器管理员查看 kiosk-collector 的日志",
     "have the collector's administrator look at kiosk-collector's log"}};
inline constexpr Finding link_no_websocket{
    "no-websocket",
    {"不能升级到 WebSocket：{}", "the upgrade to WebSocket fails: {}"},
    {"可能是中间的代理不支持 WebSocket，或采集服务器版本不符，请联系管理员",
     "a proxy between may not pass WebSocket, or the collector's version does not fit: call the "
     "administrator"}};

// ---- acknowledged
inline constexpr Finding link_agent_not_running{
    "agent-not-running",
    {"kiosk-agent 未运行，没有程序在监测设备", "kiosk-agent is not running: no device is watched"},
    {"启动它：sudo systemctl start kiosk-agent；若又退出，用 kioskctl doctor 查看原因",
     "start it: sudo systemctl start kiosk-agent; if it ends again, kioskctl doctor tells why"}};
inline constexpr Finding link_agent_no_rights{
    "no-rights",
    {"无权询问 kiosk-agent：{}", "not allowed to ask kiosk-agent: {}"},
    {"以管理员身份重新执行：sudo kioskctl link",
     "run it as the administrator: sudo kioskctl link"}};
inline constexpr Finding link_agent_silent{
    "agent-silent",
    {"kiosk-agent 没有应答：{}", "kiosk-agent does not answer: {}"},
    {"重启它：sudo systemctl restart kiosk-agent",
     "restart it: sudo systemctl restart kiosk-agent"}};
inline constexpr Finding link_not_connected{
    "agent-not-connected",
    {"网络通畅，但 kiosk-agent 尚未连接（{}）：{}",
     "the way is free, but kiosk-agent is not connected ({}): {}"},
    {"它会自动重试，请稍候再查；着急时执行 sudo systemctl restart kiosk-agent",
     "it tries again by itself: look again in a minute, or run sudo systemctl restart "
     "kiosk-agent"}};
inline constexpr Finding link_not_stored{
    "not-stored",
    {"采集服务器接受了连接，但 {} 内没有确认保存事件；在本机等待的事件：{}",
     "the collector takes the connection but did not acknowledge an event within {}; events "
     "waiting on this kiosk: {}"},
    {"采集服务器多半无法写入（磁盘满或数据库故障）：请其管理员查看；事件保存在本机，不会丢失",
     "the collector most likely cannot write (disk full or database fault): call its "
     "administrator; events are kept on this kiosk, nothing is lost"}};
inline constexpr Finding link_quarantined{
    "quarantined",
    {"链路正常，但另一台主机正使用同一身份，本机已被隔离",
     "the way is free, but another machine uses this identity and this kiosk is quarantined"},
    {"多为硬盘克隆：在不该使用该身份的主机上重新注册（kiosk-agent enroll --force）；事件仍会保存",
     "most often a cloned disk: enrol the machine that should not have it anew (kiosk-agent enroll "
     "--force); events are kept meanwhile"}};
inline constexpr Finding link_not_written{
    "not-written",
    {"本机写不进事件缓冲区", "this kiosk cannot write its event buffer"},
    {"检查本机磁盘：kioskctl doctor", "look at this kiosk's disk: kioskctl doctor"}};

// ---- by way of a proxy
inline constexpr Text link_via_proxy{"经代理 {}：{}", "via proxy {}: {}"};
inline constexpr Text link_mend_proxy{
    "核对 agent.toml 中 proxy 的地址和端口；无误时请网络管理员检查该代理服务器",
    "check the address and port of proxy in agent.toml; if they are right, have the network "
    "administrator look at the proxy"};

// ---- what goes well
inline constexpr Text link_identity_ok{"终端 {}", "terminal {}"};
inline constexpr Text link_tls_ok{"证书 {}，签发者可信", "certificate {}, from the trusted CA"};
inline constexpr Text link_dates_ok{
    "服务器证书至 {}，本机证书至 {}，时钟偏差 {}",
    "server's certificate until {}, ours until {}, clock off by {}"};
inline constexpr Text link_dates_unsure{"服务器证书至 {}，本机证书至 {}，采集服务器时间未知",
                                        "server's certificate until {}, ours until {}, the "
                                        "collector's time is not known"};
inline constexpr Text link_upgraded{"采集服务器接受本机，WebSocket 已打开",
                                    "the collector accepts this kiosk, the WebSocket opens"};
inline constexpr Text link_stored{"采集服务器已保存并确认事件，耗时 {}",
                                  "the collector has stored and acknowledged an event in {}"};

inline constexpr Text clock_ahead{"偏快", "ahead"};
inline constexpr Text clock_behind{"偏慢", "behind"};

inline constexpr Text step_identity{"本机身份", "identity"};
inline constexpr Text step_dns{"域名解析", "DNS"};
inline constexpr Text step_tcp{"TCP 连接", "TCP"};
inline constexpr Text step_tls{"TLS 握手", "TLS"};
inline constexpr Text step_certificate{"证书日期与时钟", "certificates and clock"};
inline constexpr Text step_websocket{"WebSocket", "WebSocket"};
inline constexpr Text step_acknowledged{"确认保存", "acknowledged"};

inline constexpr Text link_first_fault{"第一处故障：{}", "first fault: {}"};
inline constexpr Text link_fault_at{"第一处故障：{}（采集服务器 {}）",
                                    "first fault: {} (collector {})"};
inline constexpr Text link_other_well{"；{} 正常，本机可正常工作",
                                      "; {} is well, so this kiosk works"};
inline constexpr Text link_all_well{"链路正常", "the link is well"};
inline constexpr Text link_do{"处理", "what to do"};

}  // namespace kw::agent::ctl::message
