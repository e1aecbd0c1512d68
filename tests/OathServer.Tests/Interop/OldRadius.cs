using System.Diagnostics;

namespace OathServer.Tests.Interop;

/// <summary>Debian's FreeRADIUS as the server being replaced: rlm_files and rlm_pap with one password a user, which it
/// takes as often as it comes.</summary>
internal sealed class OldRadius(Process process, string folder, int port) : IAsyncDisposable
{
    public const string Secret = "an old secret";

    public string Address => $"radius://127.0.0.1:{port}";

    /// <param name="signs">Whether its answers carry Message-Authenticator.</param>
    /// <param name="users">Names and passwords.</param>
    public static async Task<OldRadius> StartAsync(bool signs, params (string User, string Password)[] users)
    {
        var folder = Directory.CreateTempSubdirectory("oathserver-radius-").FullName;
        var port = RadiusServer.FreeUdpPort();
        await File.WriteAllLinesAsync(Path.Combine(folder, "users"), users.Select(u => $"\"{u.User}\" Cleartext-Password := \"{u.Password}\""));
        await File.WriteAllTextAsync(Path.Combine(folder, "radiusd.conf"), $$"""
            prefix = /usr
            libdir = /usr/lib/freeradius
            logdir = {{folder}}
            run_dir = {{folder}}
            name = radiusd
            log {
              destination = stdout
            }
            security {
              reject_delay = 0
              allow_vulnerable_openssl = yes
            }
            client localhost {
              ipaddr = 127.0.0.1
              secret = "{{Secret}}"
              require_message_authenticator = yes
            }
            modules {
              pap {
              }
              files {
                usersfile = {{folder}}/users
              }
            }
            server old {
              listen {
                type = auth
                ipaddr = 127.0.0.1
                port = {{port}}
              }
              authorize {
                files
                pap
              }
              authenticate {
                Auth-Type PAP {
                  pap
                }
              }
              post-auth {
                {{(signs ? Sign : "")}}
                Post-Auth-Type REJECT {
                  {{(signs ? Sign : "")}}
                }
              }
            }
            """);
        return new OldRadius(await RadiusServer.LaunchAsync(folder, []), folder, port);
    }

    private const string Sign = "update reply { Message-Authenticator := 0x00 }";

    public async ValueTask DisposeAsync()
    {
        process.Kill();
        await process.WaitForExitAsync();
        process.Dispose();
        Directory.Delete(folder, recursive: true);
    }
}
