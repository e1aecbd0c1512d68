using System.Security.Cryptography;
using System.Text;
using System.Xml.Linq;
using Microsoft.AspNetCore.DataProtection.Repositories;
using OathServer.Storage;

namespace OathServer.Secrets;

/// <summary>Keeps the keys of cookies and forms (ASP.NET Core Data Protection) sealed in the database: all nodes share
/// them, and the files of the server hold none in the clear.</summary>
internal sealed class CookieKeys(IServiceScopeFactory scopes, Sealer sealer) : IXmlRepository
{
    public IReadOnlyCollection<XElement> GetAllElements()
    {
        using var scope = scopes.CreateScope();
        var db = scope.ServiceProvider.GetRequiredService<OathDbContext>();
        var elements = new List<XElement>();
        foreach (var key in db.CookieKeys.OrderBy(k => k.Id).ToList())
        {
            var plain = sealer.Open(key.SealedValue, SealedPlace.CookieKey(key.Name));
            elements.Add(XElement.Parse(Encoding.UTF8.GetString(plain)));
            CryptographicOperations.ZeroMemory(plain);
        }

        return elements;
    }

    public void StoreElement(XElement element, string friendlyName)
    {
        var name = Guid.CreateVersion7().ToString("N");
        var plain = Encoding.UTF8.GetBytes(element.ToString(SaveOptions.DisableFormatting));
        using var scope = scopes.CreateScope();
        var db = scope.ServiceProvider.GetRequiredService<OathDbContext>();
        db.CookieKeys.Add(new CookieKey { Name = name, SealedValue = sealer.Seal(plain, SealedPlace.CookieKey(name)) });
        db.SaveChanges();
        CryptographicOperations.ZeroMemory(plain);
    }
}
