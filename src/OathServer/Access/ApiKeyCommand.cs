using System.CommandLine;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using Microsoft.EntityFrameworkCore;
using OathServer.Audit;
using OathServer.Operations;
using OathServer.Storage;

namespace OathServer.Access;

/// <summary><c>apikey create --name N --role R</c>: the first key is made on the server's own machine, so that there is
/// no default password.</summary>
internal static class ApiKeyCommand
{
    public static Command Create()
    {
        var name = new Option<string>("--name") { Required = true, Description = "What the key is for, e.g. vpn-gateway." };
        var role = new Option<string>("--role") { Required = true, Description = $"One of: {string.Join(", ", Roles.All)}." };
        role.AcceptOnlyFromAmong(Roles.All);
        var realm = new Option<string[]>("--realm") { Description = "A realm it may enter; repeat for several. All when left out." };
        var days = new Option<int?>("--days") { Description = "Days until it expires. Never when left out." };
        var certificate = new Option<string?>("--client-certificate")
        {
            Description = "The client certificate it must come with: a PEM or DER file, or its SHA-256 in hexadecimal. Any or none when left out.",
        };
        var create = new Command("create", "Makes an API key and prints it, alone, on the last line. It cannot be read again.")
        {
            name, role, realm, days, certificate,
        };
        create.SetAction(async (parsed, cancel) =>
        {
            await using var host = await OathHost.OpenStorageAsync(cancel);
            try
            {
                var life = parsed.GetValue(days) is { } count ? TimeSpan.FromDays(count) : (TimeSpan?)null;
                await using var scope = host.Services.CreateAsyncScope();
                var (_, key) = await host.Services.GetRequiredService<ApiKeyLife>().CreateAsync(
                    scope.ServiceProvider.GetRequiredService<OathDbContext>(), parsed.GetRequiredValue(name), parsed.GetRequiredValue(role),
                    parsed.GetValue(realm) ?? [], life, Actor, cancel, FingerprintOf(parsed.GetValue(certificate)));
                Console.WriteLine($"API key {parsed.GetRequiredValue(name)}, role {parsed.GetRequiredValue(role)}. Keep it now; it is not shown again:");
                Console.WriteLine(key);
                return 0;
            }
            catch (ArgumentException refusal)
            {
                await Console.Error.WriteLineAsync(refusal.Message.Split(" (Parameter", 2)[0]);
                return 2;
            }
        });
        return new Command("apikey", "API keys of relying parties and automations.") { create, List(), Revoke() };
    }

    private static readonly AuditEvent Actor = AuditEvent.OnThisMachine();

    /// <summary>Upper-case SHA-256 of a certificate that is named by file or by that fingerprint itself.</summary>
    /// <exception cref="ArgumentException">It is neither.</exception>
    private static string? FingerprintOf(string? certificate)
    {
        if (certificate is null)
        {
            return null;
        }

        if (File.Exists(certificate))
        {
            try
            {
                using var read = X509CertificateLoader.LoadCertificateFromFile(certificate);
                return read.GetCertHashString(HashAlgorithmName.SHA256);
            }
            catch (CryptographicException)
            {
                throw new ArgumentException($"{certificate} is no certificate in PEM or DER form.");
            }
        }

        var digits = certificate.Replace(":", "", StringComparison.Ordinal);
        return digits.Length == 64 && digits.All(char.IsAsciiHexDigit)
            ? digits.ToUpperInvariant()
            : throw new ArgumentException($"--client-certificate {certificate} is neither a file nor a SHA-256 of 64 hexadecimal digits.");
    }

    private static Command List()
    {
        var list = new Command("list", "Prints all API keys: name, role, realms, last use, and whether they still work.");
        list.SetAction(async (_, cancel) =>
        {
            await using var host = await OathHost.OpenStorageAsync(cancel);
            await using var scope = host.Services.CreateAsyncScope();
            var now = host.Services.GetRequiredService<TimeProvider>().GetUtcNow();
            await foreach (var key in scope.ServiceProvider.GetRequiredService<OathDbContext>().ApiKeys.AsNoTracking()
                .OrderBy(k => k.Name).AsAsyncEnumerable().WithCancellation(cancel))
            {
                var state = key.RevokedAt is not null ? "revoked" : key.ExpiresAt <= now ? "expired" : "works";
                Console.WriteLine($"{key.Name}\t{key.Role}\t{(key.Realms.Length == 0 ? "all realms" : key.Realms)}\t{key.LastUsedAt?.ToString("u") ?? "never used"}\t{state}");
            }

            return 0;
        });
        return list;
    }

    private static Command Revoke()
    {
        var name = new Argument<string>("name") { Description = "The key's name." };
        var revoke = new Command("revoke", "Ends an API key for good; a running server notices within seconds.") { name };
        revoke.SetAction(async (parsed, cancel) =>
        {
            await using var host = await OathHost.OpenStorageAsync(cancel);
            await using var scope = host.Services.CreateAsyncScope();
            var db = scope.ServiceProvider.GetRequiredService<OathDbContext>();
            var wanted = parsed.GetRequiredValue(name);
            if (await db.ApiKeys.SingleOrDefaultAsync(k => k.Name == wanted, cancel) is not { } row)
            {
                await Console.Error.WriteLineAsync($"There is no API key named {wanted}.");
                return 2;
            }

            await host.Services.GetRequiredService<ApiKeyLife>().RevokeAsync(db, row, Actor, cancel);
            Console.WriteLine($"{wanted} is revoked.");
            return 0;
        });
        return revoke;
    }
}
