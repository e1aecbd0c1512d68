using System.Security.Cryptography;

namespace OathServer.Pages;

/// <summary>Style, script and icon, inside the program: each under a name that changes with its content, so that a browser
/// asks for it once.</summary>
internal static class ConsoleAssets
{
    private static readonly Asset Css = Read("console.css", "text/css; charset=utf-8");
    private static readonly Asset Js = Read("console.js", "text/javascript; charset=utf-8");
    private static readonly Asset Keys = Read("passkeys.js", "text/javascript; charset=utf-8");
    private static readonly Asset Svg = Read("console.svg", "image/svg+xml");

    public static string Style => Css.Path;

    public static string Script => Js.Path;

    /// <summary>The script of the forms that ask for a passkey, which have no other.</summary>
    public static string Passkeys => Keys.Path;

    public static string Icon => Svg.Path;

    public static void Map(IEndpointRouteBuilder routes)
    {
        foreach (var asset in (Asset[])[Css, Js, Keys, Svg])
        {
            routes.MapGet($"/assets/{{version}}/{asset.Name}", (string version, HttpContext http) =>
            {
                // A page of another version gets what is here now, and keeps it for this once only.
                http.Response.Headers.CacheControl = version == asset.Version ? "public, max-age=31536000, immutable" : "no-cache";
                http.Response.Headers.XContentTypeOptions = "nosniff";
                return TypedResults.Bytes(asset.Bytes, asset.Type);
            }).AllowAnonymous().ExcludeFromDescription();
        }
    }

    private static Asset Read(string name, string type)
    {
        using var stream = typeof(ConsoleAssets).Assembly.GetManifestResourceStream("console/" + name)!;
        var bytes = new byte[stream.Length];
        stream.ReadExactly(bytes);
        return new Asset(name, Convert.ToHexStringLower(SHA256.HashData(bytes))[..12], type, bytes);
    }

    private sealed record Asset(string Name, string Version, string Type, byte[] Bytes)
    {
        public string Path => $"/assets/{Version}/{Name}";
    }
}
